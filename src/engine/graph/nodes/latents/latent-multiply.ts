/** LatentMultiply: multiplies a latent by a number. */
import { float, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const LatentMultiply: NodeClass = {
  name: "LatentMultiply",
  category: "latent",
  inputs: {
    samples: link("LATENT"),
    multiplier: float({ default: 1, min: -10, max: 10, step: 0.01 }),
  },
  outputs: ["LATENT"],
  run(inputs) {
    const latent = inputs.link("samples", "LATENT");
    const multiplier = inputs.number("multiplier");
    return [output("LATENT", { ...latent, samples: latent.samples.map((x) => x * multiplier) })];
  },
};
