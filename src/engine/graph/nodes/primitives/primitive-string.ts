/** PrimitiveString: holds a text. */
import { text } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const PrimitiveString: NodeClass = {
  name: "PrimitiveString",
  category: "value",
  inputs: {
    value: text(),
  },
  outputs: ["STRING"],
  run: (inputs) => [output("STRING", inputs.text("value"))],
};
