/** Makes a model that shows one channel of the picture, and whose runs fail where there is none. */
import { GraphBuilder } from "../../src/engine/models/graph-builder.ts";

/** The parameter `index` picks the channel: beyond 2 there is none, and the run fails. */
export function pickingModel(): Uint8Array {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", [1, 3, "H", "W"]);
  const index = graph.input("index", "int64", [1]);
  const plane = graph.node("Gather", [x, index], { axis: 1n });
  graph.output("y", plane, "float32", [1, 1, "H", "W"]);
  return graph.build("pick");
}

/** The `model.json` of `pickingModel`. */
export const PICKING = {
  inputs: { index: { role: "param", default: 0, min: 0, max: 99, integer: true } },
};
