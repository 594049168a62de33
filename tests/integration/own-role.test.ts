/** Adds a role in one file, as docs/models.md shows it, and runs a model that uses it. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { OnnxProgram } from "../../src/engine/device/worker/onnx-program.ts";
import { defineModel, ROLES } from "../../src/engine/models/define-model.ts";
import { GraphBuilder } from "../../src/engine/models/graph-builder.ts";
import { sampleItem } from "../../src/engine/models/run-values.ts";
import { parseGraph, signatureOf } from "../../src/engine/models/tensor-signature.ts";
import { frameNumber } from "../support/frame-number.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";

const roles = { ...ROLES, inputs: { ...ROLES.inputs, frame_number: frameNumber } };

/** Draws 2×2 pixels whose brightness is the frame's number. */
function countingModel(): Uint8Array<ArrayBuffer> {
  const graph = new GraphBuilder();
  const number = graph.input("n", "float32", []);
  const shape = graph.constant("int64", [4], [1, 3, 2, 2]);
  const picture = graph.cast(graph.node("Expand", [number, shape]), "uint8");
  graph.output("y", picture, "uint8", [1, 3, 2, 2]);
  return graph.build("counting");
}

const settings = parseDevice("cpu").settings;

test("a model feeds a role of one's own, which keeps its state by lane", async () => {
  const bytes = countingModel();
  const json = { inputs: { n: { role: "frame_number", start: 7 } } };
  const outputs = { y: { role: "image" } };
  const definition = defineModel(
    "counting",
    { ...json, outputs },
    signatureOf(parseGraph(bytes)),
    null,
    roles,
  );
  await using workspace = await OnnxWorkspace.create();
  const source = { path: join(workspace.path, "model.onnx") };
  await Bun.write(source.path, bytes);
  const program = await OnnxProgram.open(source, definition, settings, roles);
  try {
    const drawn = async (lane: string) => {
      const [output] = await program.run([{ ...sampleItem(definition), lane }]);
      return output?.picture?.data[0];
    };
    expect([await drawn("a"), await drawn("a"), await drawn("b"), await drawn("a")]).toEqual([
      7, 8, 7, 9,
    ]);
    program.forget("a");
    expect(await drawn("a")).toBe(7);
  } finally {
    await program.release();
  }
});

test("the fields of a role of one's own are checked like those of the others", () => {
  const signature = signatureOf(parseGraph(countingModel()));
  const wrong = { inputs: { n: { role: "frame_numbers" } }, outputs: { y: { role: "image" } } };
  expect(() => defineModel("counting", wrong, signature, null, roles)).toThrow(
    /inputs\.n .*frame_number/,
  );
});
