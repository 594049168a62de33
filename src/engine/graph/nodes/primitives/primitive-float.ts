/** PrimitiveFloat: holds a number. */
import { float } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const PrimitiveFloat: NodeClass = {
  name: "PrimitiveFloat",
  category: "value",
  inputs: {
    value: float({ min: -9223372036854775807n, max: 9223372036854775807n }),
  },
  outputs: ["FLOAT"],
  run: (inputs) => [output("FLOAT", inputs.number("value"))],
};
