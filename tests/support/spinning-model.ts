/** Makes a model whose runs take as long as a parameter says. */
import { create } from "@bufbuild/protobuf";
import { GraphProtoSchema, NodeProtoSchema } from "onnx-buf";
import { GraphBuilder } from "../../src/engine/models/graph-builder.ts";
import { valueInfo } from "../../src/engine/models/onnx-messages.ts";

/** A model that repeats a step as often as its parameter says. */
export function spinningModel(): Uint8Array {
  const graph = new GraphBuilder();
  const frame = graph.input("x", "float32", [1, 3, 64, 64]);
  const spins = graph.cast(graph.input("spins", "float32", []), "int64");
  const body = create(GraphProtoSchema, {
    name: "body",
    input: [
      valueInfo("i", "int64", []),
      valueInfo("go", "bool", []),
      valueInfo("sum", "float32", []),
    ],
    node: [
      create(NodeProtoSchema, { opType: "Identity", input: ["go"], output: ["go_on"] }),
      create(NodeProtoSchema, { opType: "Sin", input: ["sum"], output: ["next"] }),
    ],
    output: [valueInfo("go_on", "bool", []), valueInfo("next", "float32", [])],
  });
  const sum = graph.node(
    "Loop",
    [spins, graph.constant("bool", [], [1]), graph.constant("float32", [], [0])],
    { body },
  );
  graph.output("y", graph.node("Add", [frame, sum]), "float32", [1, 3, 64, 64]);
  return graph.build("spinning");
}

/** The `model.json` of `spinningModel`. */
export const SPINNING = {
  inputs: {
    x: { role: "frame", range: [0, 1] },
    spins: { role: "param", default: 0, min: 0, max: 1e15 },
  },
  outputs: { y: { role: "image", range: [0, 1] } },
};
