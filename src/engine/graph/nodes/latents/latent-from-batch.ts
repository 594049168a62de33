/** LatentFromBatch: takes some latents out of a batch. */
import { int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import {
  indexOf,
  maskOf,
  maskPlanes,
  planesOf,
  repeatedTo,
  sliced,
  withPlanes,
} from "../../run/latents.ts";
import { output } from "../../run/node-runner.ts";

export const LatentFromBatch: NodeClass = {
  name: "LatentFromBatch",
  category: "latent",
  inputs: {
    samples: link("LATENT"),
    batch_index: int({ default: 0, min: 0, max: 63 }),
    length: int({ default: 1, min: 1, max: 64 }),
  },
  outputs: ["LATENT"],
  run(inputs) {
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
};
