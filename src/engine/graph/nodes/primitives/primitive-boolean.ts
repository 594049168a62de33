/** PrimitiveBoolean: holds true or false. */
import { toggle } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const PrimitiveBoolean: NodeClass = {
  name: "PrimitiveBoolean",
  category: "value",
  inputs: {
    value: toggle(),
  },
  outputs: ["BOOLEAN"],
  run: (inputs) => [output("BOOLEAN", inputs.flag("value"))],
};
