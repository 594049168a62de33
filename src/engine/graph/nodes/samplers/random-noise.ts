/** RandomNoise: gives noise by a seed. */
import { SEED } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const RandomNoise: NodeClass = {
  name: "RandomNoise",
  category: "sampling",
  inputs: {
    noise_seed: SEED,
  },
  outputs: ["NOISE"],
  run: (inputs) => [output("NOISE", { seed: inputs.seed("noise_seed"), source: "seeded" })],
};
