/** RepeatLatentBatch: repeats a batch of latents. */
import { int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import {
  checkedShape,
  maskOf,
  maskPlanes,
  planesOf,
  repeatedTo,
  withPlanes,
} from "../../run/latents.ts";
import { output } from "../../run/node-runner.ts";

export const RepeatLatentBatch: NodeClass = {
  name: "RepeatLatentBatch",
  category: "latent",
  inputs: {
    samples: link("LATENT"),
    amount: int({ default: 1, min: 1, max: 64 }),
  },
  outputs: ["LATENT"],
  run(inputs) {
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
};
