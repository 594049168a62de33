/** The role `state`: its pair of tensors, and what it feeds from run to run. */
import { expect, test } from "bun:test";
import { defineModel } from "../../../../../src/engine/models/define-model.ts";
import type { PortEntry } from "../../../../../src/engine/models/model-json.ts";
import type { Lane, RunItem } from "../../../../../src/engine/models/roles/role.ts";
import {
  type StatePort,
  state,
  stateOutput,
} from "../../../../../src/engine/models/roles/state.ts";
import type { Tensor } from "../../../../../src/engine/models/tensor.ts";
import { signature } from "../../../../support/signature.ts";
import { problemsOf } from "./bind.ts";

const OUTPUTS = ["y float32 [1, 3, H, W]", "h_next float32 [1, 4]"];
const graphOf = (tensor: string) => signature(["x float32 [1, 3, H, W]", tensor], OUTPUTS);

const define = (entry: PortEntry, tensor = "h float32 [1, 4]") =>
  defineModel("m", { inputs: { h: entry } }, graphOf(tensor));

const portOf = (entry: PortEntry, tensor?: string): StatePort => {
  const port = define(entry, tensor).inputs.find(({ role }) => role === "state");
  return port as StatePort; // it has the role of one
};

const item = (width: number, reset = 0): RunItem => ({
  lane: "a",
  picture: { width, height: 8, data: new Uint8Array(width * 24) },
  original: null,
  size: { width, height: 8 },
  values: { h: reset },
});

const floats = (...numbers: number[]): Tensor => ({
  dtype: "float32",
  dims: [1, numbers.length],
  data: Float32Array.from(numbers),
});

test("a state names its output, which then goes there alone", () => {
  const { outputs, params, batchable, live } = define({ role: "state", output: "h_next" });
  expect(outputs).toMatchObject([
    { role: "image", tensor: "y" },
    { role: "state", tensor: "h_next" },
  ]);
  expect(params).toMatchObject([{ type: "trigger", name: "reset" }]);
  expect([batchable, live.alone]).toEqual([false, true]);
});

test("a pair of different types or shapes, and a shape that contradicts the file, are refused", () => {
  const problems = (tensor: string, entry: PortEntry = {}) =>
    problemsOf({ inputs: { h: { role: "state", output: "h_next", ...entry } } }, graphOf(tensor));
  const pair = (tensor: string) => [
    `inputs.h.output names a tensor that does not fit this one: "h_next" float32 [1, 4] and "h" ${tensor}`,
  ];
  for (const tensor of ["float16 [1, 4]", "float32 [1, 5]", "float32 [4]"]) {
    expect(problems(`h ${tensor}`)).toEqual(pair(tensor));
  }
  expect(problems("h float32 [N, C]")).toEqual([]);
  expect(problems("h float32 [N, 4]", { shape: [1, 5] })).toEqual([
    'inputs.h.shape is [1, 5], which the file does not allow: "h" float32 [N, 4]',
  ]);
});

test("free dimensions are 1 each unless a shape is given", () => {
  const entry = { role: "state", output: "h_next", initial: 0.5 };
  expect(portOf(entry, "h float32 [N, C]")).toMatchObject({ dims: [1, 1], initial: 0.5 });
  expect(portOf({ ...entry, shape: [1, 4] }, "h float32 [N, C]")).toMatchObject({ dims: [1, 4] });
});

test("an output that is not there and a shape of another rank are refused", () => {
  const problems = (entry: PortEntry) =>
    problemsOf({ inputs: { h: entry } }, graphOf("h float32 [1, 4]"));
  expect(problems({ role: "state", output: "z" })).toEqual([
    'inputs.h.output is "z", which is not an output of the file: y, h_next',
  ]);
  expect(problems({ role: "state", output: "h_next", shape: [4] })).toEqual([
    'inputs.h.shape has 1 dimensions but the tensor is "h" float32 [1, 4]',
  ]);
});

test("an output that feeds a state cannot go elsewhere: the state would never change", () => {
  const json = {
    inputs: { h: { role: "state", output: "h_next" } },
    outputs: { h_next: { role: "ignore" } },
  };
  expect(problemsOf(json, graphOf("h float32 [1, 4]"))).toEqual([
    'outputs.h_next.role must be "state", because an input names this output as its state',
  ]);
});

test("a state that no input takes is refused", () => {
  const json = { inputs: { h: { role: "vector" } }, outputs: { h_next: { role: "state" } } };
  expect(problemsOf(json, graphOf("h float32 [1, 4]"))).toEqual([
    'outputs.h_next.role is "state", but no input with that role names this output',
  ]);
});

test("a run gets what the run before gave; a reset, another size and another lane begin anew", () => {
  const port = portOf({ role: "state", output: "h_next", initial: 2 });
  const lane: Lane = new Map();
  const feed = (of: RunItem, on: Lane = lane) => state.feed?.(port, of, on)["h"];
  const give = (tensor: Tensor) =>
    stateOutput.read?.(
      { role: "state", tensor: "h_next", batched: false, dtype: "float32" },
      { h_next: tensor },
      { picture: null, data: {} },
      lane,
    );
  const initial = floats(2, 2, 2, 2);
  expect(feed(item(16))).toEqual(initial);
  give(floats(1, 2, 3, 4));
  expect(feed(item(16))).toEqual(floats(1, 2, 3, 4));
  expect(feed(item(16), new Map())).toEqual(initial);
  expect(feed(item(16, 1))).toEqual(initial);
  give(floats(5, 6, 7, 8));
  expect(feed(item(16, 1))).toEqual(floats(5, 6, 7, 8));
  expect(feed(item(32, 1))).toEqual(initial);
});
