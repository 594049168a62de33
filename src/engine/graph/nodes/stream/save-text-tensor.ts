/** SaveTextTensor: gives a text to the stream's data channel. */
import { text, toggle } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const SaveTextTensor: NodeClass = {
  name: "SaveTextTensor",
  category: "stream",
  inputs: { data: text() },
  optional: { remove_linebreaks: toggle(true) },
  outputs: [],
  isOutput: true,
  gives: "texts",
  note: "Its text goes to the stream's data channel.",
  run(inputs, { emit }) {
    const text = inputs.text("data");
    const isOneLine = inputs.flag("remove_linebreaks");
    const node = inputs.node.id;
    emit({ kind: "text", node, text: isOneLine ? text.replace(/[\r\n]/g, "") : text });
    return [];
  },
};
