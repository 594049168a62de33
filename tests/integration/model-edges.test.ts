/** What roles add at the edge of a graph, run on small graphs of every kind that the gallery has none of. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { OnnxProgram } from "../../src/engine/device/worker/onnx-program.ts";
import { defineModel } from "../../src/engine/models/define-model.ts";
import type { GraphBuilder } from "../../src/engine/models/graph-builder.ts";
import type { ModelJson } from "../../src/engine/models/model-json.ts";
import type { RunItem } from "../../src/engine/models/roles/role.ts";
import { sampleItem } from "../../src/engine/models/run-values.ts";
import { parseGraph, signatureOf } from "../../src/engine/models/tensor-signature.ts";
import { graphFile } from "../support/model-bench.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";

/** The levels of the pictures that a graph draws, by item; all items are run together. */
async function levels(
  draw: (graph: GraphBuilder) => void,
  json: ModelJson,
  changes: readonly Partial<RunItem>[],
): Promise<number[][]> {
  const bytes = graphFile(draw);
  const definition = defineModel("m", json, signatureOf(parseGraph(bytes)));
  await using workspace = await OnnxWorkspace.create();
  const source = { path: join(workspace.path, "model.onnx") };
  await Bun.write(source.path, bytes);
  const program = await OnnxProgram.open(source, definition, parseDevice("cpu").settings);
  try {
    const items = changes.map((change, at) => {
      return { ...sampleItem(definition), lane: `${at}`, ...change };
    });
    const outputs = await program.run(items);
    return outputs.map(({ picture }) => [...new Set(picture?.data)]);
  } finally {
    await program.release();
  }
}

const DIMS = ["N", 3, 8, 8] as const;

test("noise is added to the video frame, and alone where there is no video", async () => {
  const draw = (graph: GraphBuilder) =>
    graph.output("y", graph.node("Identity", [graph.input("x", "float32", DIMS)]), "float32", DIMS);
  const json = { inputs: { x: { role: "noise", scale: 0, frame: {} } } };
  const video = {};
  const none = { picture: null };
  expect(await levels(draw, json, [video, none])).toEqual([[128], [0]]);
});

test("numbers, lists and constants of half precision are joined in batches", async () => {
  const draw = (graph: GraphBuilder) => {
    const x = graph.input("x", "float16", DIMS);
    const factor = graph.input("k", "float16", ["N", 1, 1, 1]);
    const added = graph.input("c", "float16", ["N", 1, 1, 1]);
    graph.output("y", graph.node("Add", [graph.node("Mul", [x, factor]), added]), "float16", DIMS);
  };
  const json = {
    inputs: {
      x: { role: "frame" },
      k: { role: "param", max: 2 },
      c: { role: "constant", value: 0.25 },
    },
  };
  const changes = [{ values: { k: 0 } }, { values: { k: 1 } }];
  expect(await levels(draw, json, changes)).toEqual([[64], [192]]);
});
