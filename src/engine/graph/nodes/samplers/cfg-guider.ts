/** CFGGuider: guides by a positive and a negative prompt. */
import { float, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";
import { guiderIn } from "../../run/sampling-inputs.ts";

export const CFGGuider: NodeClass = {
  name: "CFGGuider",
  category: "sampling",
  inputs: {
    model: link("MODEL"),
    positive: link("CONDITIONING"),
    negative: link("CONDITIONING"),
    cfg: float({ default: 8, min: 0, max: 100, step: 0.1, round: 0.01 }),
  },
  outputs: ["GUIDER"],
  run: (inputs) => [output("GUIDER", guiderIn(inputs))],
};
