import { expect, test } from "bun:test";
import { defineModel } from "../../../../src/engine/models/define-model.ts";
import type { PortEntry } from "../../../../src/engine/models/model-json.ts";
import { type Tensor, valuesOf } from "../../../../src/engine/models/tensor.ts";
import { dataReport } from "../../../../src/engine/plan/data-values.ts";
import { signature } from "../../../support/signature.ts";

const floats = (...numbers: number[]): Tensor => ({
  dtype: "float32",
  dims: [1, numbers.length],
  data: Float32Array.from(numbers),
});

/** What a model with this output `s` reports of a tensor. */
function reported(fields: PortEntry, tensor: Tensor) {
  const outputs = { s: { role: "data", ...fields } };
  const graph = signature(["x float32 [1, 3, H, W]"], ["s float32 [1, C]"]);
  return dataReport(defineModel("m", { outputs }, graph), { data: { s: tensor } })?.["s"];
}

test("a model without data, and a frame that no model saw, report nothing", () => {
  const picture = signature(["x float32 [1, 3, H, W]"], ["y float32 [1, 3, H, W]"]);
  expect(dataReport(defineModel("m", {}, picture), { data: {} })).toBeNull();
  const scores = signature(["x float32 [1, 3, H, W]"], ["s float32 [1, 4]"]);
  expect(dataReport(defineModel("m", {}, scores), { data: {} })).toBeNull();
});

test("each data output is reported under its name, and no other", () => {
  const outputs = ["y float32 [1, 3, H, W]", "s float32 [1, 2]", "box float32 [1, 4]"];
  const definition = defineModel("m", {}, signature(["x float32 [1, 3, H, W]"], outputs));
  const data = { s: floats(1, 2), box: floats(1, 2, 3, 4), stray: floats(9) };
  expect(dataReport(definition, { data })).toEqual({ s: [1, 2], box: [1, 2, 3, 4] });
});

test("numbers have six digits, and those that JSON cannot hold are 0", () => {
  expect(reported({}, floats(1 / 3, 123_456_789, Number.NaN, Number.POSITIVE_INFINITY))).toEqual([
    0.333333, 123_457_000, 0, 0,
  ]);
  const whole = { dtype: "int64", dims: [2], data: valuesOf("int64", [3, -4]) } as const;
  expect(reported({}, whole)).toEqual([3, -4]);
});

test("no more numbers than the limit are reported", () => {
  expect(reported({ limit: 2 }, floats(1, 2, 3))).toEqual([1, 2]);
});

test("labelled scores come the most likely first", () => {
  const labels = ["cat", "dog", "owl"];
  expect(reported({ labels }, floats(0.1, 0.7, 0.2))).toEqual([
    { label: "dog", score: 0.7 },
    { label: "owl", score: 0.2 },
    { label: "cat", score: 0.1 },
  ]);
});

test("a limit keeps the most likely of all labels", () => {
  const labels = ["cat", "dog", "owl"];
  expect(reported({ labels, limit: 1 }, floats(0.1, 0.7, 0.2))).toEqual([
    { label: "dog", score: 0.7 },
  ]);
});

test("numbers that the labels do not fit are reported without them", () => {
  expect(reported({ labels: ["cat", "dog"] }, floats(1, 2, 3))).toEqual([1, 2, 3]);
});

test("what nodes of a graph say is reported by their ids", () => {
  const picture = signature(["x float32 [1, 3, H, W]"], ["y float32 [1, 3, H, W]"]);
  const texts = { "7": "a cat", "9:2": "" };
  expect(dataReport(defineModel("m", {}, picture), { data: {}, texts })).toEqual({
    "7": { text: "a cat" },
    "9:2": { text: "" },
  });
});
