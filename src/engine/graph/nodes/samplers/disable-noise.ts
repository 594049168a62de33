/** DisableNoise: stands for no noise. */
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const DisableNoise: NodeClass = {
  name: "DisableNoise",
  category: "sampling",
  inputs: {},
  outputs: ["NOISE"],
  run: () => [output("NOISE", { seed: 0n, source: "none" })],
};
