/** LatentBatch: joins two latents into one batch. */
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { checkedShape, fitted, indexOf, planesOf } from "../../run/latents.ts";
import { output } from "../../run/node-runner.ts";

export const LatentBatch: NodeClass = {
  name: "LatentBatch",
  category: "latent",
  inputs: {
    samples1: link("LATENT"),
    samples2: link("LATENT"),
  },
  outputs: ["LATENT"],
  run(inputs) {
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
};
