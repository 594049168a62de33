/** PrimitiveStringMultiline: holds a text of several lines. */
import { text } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const PrimitiveStringMultiline: NodeClass = {
  name: "PrimitiveStringMultiline",
  category: "value",
  inputs: {
    value: text(),
  },
  outputs: ["STRING"],
  run: (inputs) => [output("STRING", inputs.text("value"))],
};
