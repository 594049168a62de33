/** A model whose picture and data outputs follow the prompt, and which draws without video: `model.json` and the graph. */
import { GraphBuilder } from "../../src/engine/models/graph-builder.ts";
import { VECTOR_LENGTH } from "../../src/engine/prompts/controls.ts";

const SIDE = 64;

export const TALKING_MODEL = {
  license: "MIT",
  inputs: { text: { role: "text", encoder: "lexicon" } },
  outputs: { picture: { role: "image" }, colour: { role: "data" } },
};

/** Paints the whole picture in the first three numbers of the prompt, and reports them. */
export function talkingGraph(): Uint8Array {
  const graph = new GraphBuilder();
  const ints = (...numbers: number[]) => graph.constant("int64", [numbers.length], numbers);
  const text = graph.input("text", "float32", [VECTOR_LENGTH]);
  const colour = graph.node("Sigmoid", [graph.node("Slice", [text, ints(0), ints(3)])]);
  const bright = graph.node("Mul", [colour, graph.constant("float32", [], [255])]);
  const pixel = graph.node("Reshape", [graph.cast(bright, "uint8"), ints(1, 3, 1, 1)]);
  const all = graph.node("Expand", [pixel, ints(1, 3, SIDE, SIDE)]);
  graph.output("picture", all, "uint8", [1, 3, SIDE, SIDE]);
  graph.output("colour", colour, "float32", [3]);
  return graph.build("talking");
}
