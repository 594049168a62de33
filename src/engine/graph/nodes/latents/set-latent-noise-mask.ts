/** SetLatentNoiseMask: limits sampling to what a mask covers. */
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const SetLatentNoiseMask: NodeClass = {
  name: "SetLatentNoiseMask",
  category: "latent",
  inputs: {
    samples: link("LATENT"),
    mask: link("MASK"),
  },
  outputs: ["LATENT"],
  run: (inputs) => [
    output("LATENT", {
      ...inputs.link("samples", "LATENT"),
      noiseMask: inputs.link("mask", "MASK"),
    }),
  ],
};
