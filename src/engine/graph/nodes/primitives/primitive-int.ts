/** PrimitiveInt: holds an integer. */
import { int } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const PrimitiveInt: NodeClass = {
  name: "PrimitiveInt",
  category: "value",
  inputs: {
    value: int({ min: -9223372036854775807n, max: 9223372036854775807n }),
  },
  outputs: ["INT"],
  run: (inputs) => [output("INT", inputs.seed("value"))],
};
