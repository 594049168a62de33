/** How dimensions of an ONNX file are read. */
import { expect, test } from "bun:test";
import { GraphBuilder } from "../../../../src/engine/models/graph-builder.ts";
import { parseGraph, signatureOf } from "../../../../src/engine/models/tensor-signature.ts";

test("a dimension is a number, a symbol, or unknown; -1 and 0 stand for unknown ones", () => {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", [-1, 3, "height", 0]);
  graph.output("y", graph.node("Identity", [x]), "float32", [-1, 3, "", 640]);
  const { inputs, outputs } = signatureOf(parseGraph(graph.build("test")));
  expect(inputs[0]?.dims).toEqual(["?", 3, "height", "?"]);
  expect(outputs[0]?.dims).toEqual(["?", 3, "?", 640]);
});
