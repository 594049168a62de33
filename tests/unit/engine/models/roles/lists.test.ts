/** Roles that feed several numbers: `vector` and `constant`. */
import { expect, test } from "bun:test";
import type { PortEntry } from "../../../../../src/engine/models/model-json.ts";
import { constant } from "../../../../../src/engine/models/roles/constant.ts";
import { inputPort, inputProblems, withInput } from "./bind.ts";

test("a vector has as many numbers as the file says, or as there are names", () => {
  expect(withInput({ role: "vector" }, "v float32 [1, 3]").params).toEqual([
    {
      type: "vector",
      name: "v",
      description: "",
      default: [0, 0, 0],
      min: 0,
      max: 1,
      entries: [],
      blend: false,
    },
  ]);
  const styles = { role: "vector", name: "style", entries: ["night", "ink"], blend: true };
  for (const tensor of ["v float32 [2]", "v float16 [1, 2]", "v float32 [1, C]"]) {
    expect(withInput(styles, tensor).params).toMatchObject([
      { name: "style", entries: ["night", "ink"], blend: true, default: [1, 0] },
    ]);
  }
  const short = { role: "vector", default: [0.25] };
  expect(withInput(short, "v float32 [3]").params).toMatchObject([{ default: [0.25, 0, 0] }]);
});

const REFUSED: readonly (readonly [PortEntry, tensor: string, problem: string])[] = [
  [{ role: "vector" }, "v int64 [3]", 'needs a list of floats, but the tensor is "v" int64 [3]'],
  [{ role: "vector" }, "v float32 [2, 3]", "needs a list of floats"],
  [{ role: "vector", entries: ["a", "b"] }, "v float32 [3]", "needs float32 [2]"],
  [{ role: "vector", entries: ["a", "a"] }, "v float32 [2]", "entries contains the same name"],
  [{ role: "vector", default: [1, 0, 1] }, "v float32 [2]", "default has 3 numbers, the tensor 2"],
  [{ role: "vector", default: [0, 2] }, "v float32 [2]", "default contains 2, outside 0 to 1"],
  [
    { role: "vector" },
    "v float32 [C]",
    "entries must name every number, as the file leaves their count free",
  ],
  [{ role: "constant", value: [1, 2] }, "v float32 [3]", "value has 2 numbers; give 1 or 3"],
  [
    { role: "constant", value: 1, shape: [2, 3] },
    "v float32 [N, 4]",
    'shape is [2, 3], which the file does not allow: "v" float32 [N, 4]',
  ],
  [{ role: "constant", value: 1, shape: [2] }, "v float32 [N, 4]", "shape has 1 dimensions"],
];

test.each(REFUSED)("%j of %s is refused: %s", (entry, tensor, problem) => {
  expect(inputProblems(entry, tensor)).toEqual([expect.stringContaining(problem)]);
});

test("a list whose only dimension has the batch's name is not batched", () => {
  expect(inputPort({ role: "vector", entries: ["a", "b"] }, "v float32 [N]").batched).toBe(false);
  expect(inputPort({ role: "vector" }, "v float32 [N, 2]").batched).toBe(true);
});

test("a constant fills its tensor with one number, or holds them all", () => {
  const feed = (entry: PortEntry, tensor: string) => {
    const port = inputPort(entry, tensor);
    // The role gave this port.
    return constant.feed?.(
      port as Parameters<NonNullable<typeof constant.feed>>[0],
      ITEM,
      new Map(),
    );
  };
  expect(feed({ role: "constant", value: 2 }, "v float32 [2, 2]")).toEqual({
    v: { dtype: "float32", dims: [2, 2], data: Float32Array.of(2, 2, 2, 2) },
  });
  expect(feed({ role: "constant", value: [1, 2, 3] }, "v int64 [N, 3]")).toEqual({
    v: { dtype: "int64", dims: [1, 3], data: BigInt64Array.of(1n, 2n, 3n) },
  });
  expect(feed({ role: "constant", value: 0.5, shape: [2, 1] }, "v float16 [A, B]")).toEqual({
    v: { dtype: "float32", dims: [2, 1], data: Float32Array.of(0.5, 0.5) },
  });
  expect(feed({ role: "constant", value: 5 }, "v bool []")).toEqual({
    v: { dtype: "bool", dims: [], data: Uint8Array.of(1) },
  });
});

const ITEM = {
  lane: "",
  picture: null,
  original: null,
  size: { width: 1, height: 1 },
  values: {},
};
