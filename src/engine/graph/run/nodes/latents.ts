/** Runs the nodes that make latents, and calculate with them. */
import { latentSize } from "../../../diffusion/sampler/latent.ts";
import {
  checkedShape,
  combined,
  fitted,
  indexOf,
  maskOf,
  maskPlanes,
  planesOf,
  repeatedTo,
  sliced,
  withPlanes,
} from "../latents.ts";
import { type NodeRunners, output } from "../node-runner.ts";

/** Channels of Stable Diffusion's latents. */
const CHANNELS = 4;

export const LATENTS: NodeRunners = {
  EmptyLatentImage: (inputs) => {
    const [width, height] = ["width", "height"].map((side) => inputs.number(side) >> 3);
    const shape = checkedShape([inputs.number("batch_size"), CHANNELS, height ?? 0, width ?? 0]);
    const samples = new Float32Array(latentSize(shape));
    return [output("LATENT", { samples, shape })];
  },

  LatentAdd: (inputs) => {
    const [a, b] = [inputs.link("samples1", "LATENT"), inputs.link("samples2", "LATENT")];
    return [
      output(
        "LATENT",
        combined(a, b, "bilinear", (x, y) => x + y),
      ),
    ];
  },

  LatentSubtract: (inputs) => {
    const [a, b] = [inputs.link("samples1", "LATENT"), inputs.link("samples2", "LATENT")];
    return [
      output(
        "LATENT",
        combined(a, b, "bilinear", (x, y) => x - y),
      ),
    ];
  },

  LatentBlend: (inputs) => {
    const [a, b] = [inputs.link("samples1", "LATENT"), inputs.link("samples2", "LATENT")];
    const share = inputs.number("blend_factor");
    return [
      output(
        "LATENT",
        combined(a, b, "bicubic", (x, y) => x * share + y * (1 - share)),
      ),
    ];
  },

  LatentMultiply: (inputs) => {
    const latent = inputs.link("samples", "LATENT");
    const multiplier = inputs.number("multiplier");
    return [output("LATENT", { ...latent, samples: latent.samples.map((x) => x * multiplier) })];
  },

  /** Directions (the channels of a place are one vector) and lengths are averaged apart. */
  LatentInterpolate: (inputs) => {
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

  LatentBatch: (inputs) => {
    const [a, b] = [inputs.link("samples1", "LATENT"), inputs.link("samples2", "LATENT")];
    const { values, shape } = fitted(planesOf(b), a.shape, "bilinear");
    const [batch, ...rest] = a.shape;
    checkedShape([batch + shape[0], ...rest]);
    const samples = new Float32Array(a.samples.length + values.length);
    samples.set(a.samples);
    samples.set(values, a.samples.length);
    const batchIndex = [...indexOf(a), ...indexOf(b)];
    return [output("LATENT", { ...a, samples, shape: [batch + shape[0], ...rest], batchIndex })];
  },

  LatentFromBatch: (inputs) => {
    const latent = inputs.link("samples", "LATENT");
    const [batch] = latent.shape;
    const start = Math.min(batch - 1, inputs.number("batch_index"));
    const count = Math.min(batch - start, inputs.number("length"));
    const { noiseMask } = latent;
    const isOneMask = noiseMask === undefined || noiseMask.batch === 1;
    return [
      output("LATENT", {
        ...withPlanes(latent, sliced(planesOf(latent), start, count)),
        noiseMask: isOneMask
          ? noiseMask
          : maskOf(sliced(repeatedTo(maskPlanes(noiseMask), batch), start, count)),
        batchIndex: indexOf(latent).slice(start, start + count),
      }),
    ];
  },

  RepeatLatentBatch: (inputs) => {
    const latent = inputs.link("samples", "LATENT");
    const amount = inputs.number("amount");
    const [batch, ...rest] = latent.shape;
    const [count] = checkedShape([batch * amount, ...rest]);
    const { noiseMask, batchIndex } = latent;
    // Each repetition counts on where the one before it ended.
    const span = batchIndex ? Math.max(...batchIndex) - Math.min(...batchIndex) + 1 : 0;
    return [
      output("LATENT", {
        ...withPlanes(latent, repeatedTo(planesOf(latent), count)),
        noiseMask:
          noiseMask === undefined || noiseMask.batch === 1
            ? noiseMask
            : maskOf(repeatedTo(maskPlanes(noiseMask), count)),
        batchIndex:
          batchIndex &&
          Array.from({ length: amount }, (_, repetition) =>
            batchIndex.map((index) => index + repetition * span),
          ).flat(),
      }),
    ];
  },

  SetLatentNoiseMask: (inputs) => [
    output("LATENT", {
      ...inputs.link("samples", "LATENT"),
      noiseMask: inputs.link("mask", "MASK"),
    }),
  ],
};
