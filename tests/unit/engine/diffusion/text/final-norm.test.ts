/** The final layer norm of text encoders, in the forms that exporters give it. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { create, fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, TensorProto_DataType } from "onnx-buf";
import { finalNorm } from "../../../../../src/engine/diffusion/text/final-norm.ts";
import { sharedData } from "../../../../support/shared-data.ts";

interface GraphNode {
  readonly opType: string;
  readonly input: string[];
  readonly output: string[];
}

const node = (opType: string, input: string, output: string): GraphNode => ({
  opType,
  input: input.split(" "),
  output: [output],
});
const float32 = (name: string, ...values: number[]) => ({
  name,
  dataType: TensorProto_DataType.FLOAT,
  rawData: new Uint8Array(Float32Array.from(values).buffer),
});
const WEIGHTS = [float32("scale", 1, 2), float32("shift", 3, 4)];
const model = (nodes: readonly GraphNode[], initializer: object[] = WEIGHTS) =>
  create(ModelProtoSchema, { graph: { node: [...nodes], initializer } });
const found = { scale: Float32Array.of(1, 2), shift: Float32Array.of(3, 4), epsilon: 1e-5 };

test.each([
  ["one node", [node("LayerNormalization", "x scale shift", "last_hidden_state")]],
  [
    "weights with other names",
    [
      node("Identity", "scale", "s"),
      node("Identity", "shift", "b"),
      node("LayerNormalization", "x s b", "last_hidden_state"),
    ],
  ],
  [
    "arithmetic, in either order",
    [
      node("Div", "deviation root", "x"),
      node("Mul", "scale x", "scaled"),
      node("Add", "scaled shift", "last_hidden_state"),
    ],
  ],
  [
    "what ONNX Runtime fuses",
    [node("SkipLayerNormalization", "x y scale shift", "last_hidden_state")],
  ],
  [
    "a cast at the end",
    [
      node("LayerNormalization", "x scale shift", "half"),
      node("Cast", "half", "last_hidden_state"),
    ],
  ],
])("%s", (_, nodes) => {
  expect(finalNorm(model(nodes))).toEqual(found);
});

test("weights in half precision", () => {
  const half = (name: string, ...values: number[]) => ({
    name,
    dataType: TensorProto_DataType.FLOAT16,
    rawData: new Uint8Array(Float16Array.from(values).buffer),
  });
  const nodes = [node("LayerNormalization", "x scale shift", "last_hidden_state")];
  expect(finalNorm(model(nodes, [half("scale", 1, 2), half("shift", 3, 4)]))).toEqual(found);
});

test.each([
  ["no such output", [node("LayerNormalization", "x scale shift", "other")]],
  ["another operator", [node("MatMul", "x scale", "last_hidden_state")]],
  [
    "an addition of two results",
    [node("Mul", "x scale", "a"), node("Add", "a b", "last_hidden_state")],
  ],
  [
    "weights that are elsewhere",
    [node("LayerNormalization", "x absent shift", "last_hidden_state")],
  ],
])("%s: null", (_, nodes) => {
  expect(finalNorm(model(nodes))).toBeNull();
});

for (const path of ["pipeline/tiny-sd/text_encoder", "pipeline-xl/tiny-xl/text_encoder_2"]) {
  const file = sharedData(`golden/${path}/model.onnx`);
  test.skipIf(file === null)(`${path} (skipped where shared/data/golden is absent)`, () => {
    const norm = finalNorm(fromBinary(ModelProtoSchema, readFileSync(file ?? "")));
    expect(norm?.epsilon).toBeCloseTo(1e-5, 9);
    // Their weights are as they were initialised.
    expect(norm?.scale.every((value) => value === 1)).toBe(true);
    expect(norm?.shift.every((value) => value === 0)).toBe(true);
  });
}
