/** BasicGuider: guides by one prompt, without a negative side. */
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const BasicGuider: NodeClass = {
  name: "BasicGuider",
  category: "sampling",
  inputs: {
    model: link("MODEL"),
    conditioning: link("CONDITIONING"),
  },
  outputs: ["GUIDER"],
  run: (inputs) => [
    output("GUIDER", {
      model: inputs.link("model", "MODEL"),
      positive: inputs.link("conditioning", "CONDITIONING"),
      negative: [],
      cfg: 1,
    }),
  ],
};
