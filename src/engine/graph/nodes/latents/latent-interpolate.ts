/** LatentInterpolate: mixes two latents by direction and length. */
import { float, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { fitted, planesOf, repeatedTo } from "../../run/latents.ts";
import { output } from "../../run/node-runner.ts";

export const LatentInterpolate: NodeClass = {
  name: "LatentInterpolate",
  category: "latent",
  inputs: {
    samples1: link("LATENT"),
    samples2: link("LATENT"),
    ratio: float({ default: 1, min: 0, max: 1, step: 0.01 }),
  },
  outputs: ["LATENT"],
  /** Directions (the channels of a place are one vector) and lengths are averaged apart. */
  run(inputs) {
    const first = inputs.link("samples1", "LATENT");
    const second = fitted(planesOf(inputs.link("samples2", "LATENT")), first.shape, "bilinear");
    const ratio = inputs.number("ratio");
    const [batch, channels, height, width] = first.shape;
    const other = repeatedTo(second, batch).values;
    const samples = new Float32Array(first.samples.length);
    const size = height * width;
    for (let place = 0; place < batch * size; place++) {
      const start = Math.floor(place / size) * channels * size + (place % size);
      const lengthOf = (values: Float32Array): number => {
        let sum = 0;
        for (let at = 0; at < channels; at++) sum += (values[start + at * size] as number) ** 2;
        return Math.sqrt(sum);
      };
      const [a, b] = [lengthOf(first.samples), lengthOf(other)];
      for (let at = start; at < start + channels * size; at += size) {
        const one = a === 0 ? 0 : (first.samples[at] as number) / a;
        const two = b === 0 ? 0 : (other[at] as number) / b;
        samples[at] = one * ratio + two * (1 - ratio);
      }
      const between = lengthOf(samples);
      const factor = between === 0 ? 0 : (a * ratio + b * (1 - ratio)) / between;
      for (let at = start; at < start + channels * size; at += size) {
        samples[at] = (samples[at] as number) * factor;
      }
    }
    return [output("LATENT", { ...first, samples })];
  },
};
