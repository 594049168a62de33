/** Picture roles: how the fields of a picture are checked against its tensor, and what each role adds. */

import { expect, test } from "bun:test";
import { defineModel } from "../../../../../src/engine/models/define-model.ts";
import type { PortEntry } from "../../../../../src/engine/models/model-json.ts";
import {
  type PreviousOutputPort,
  previousOutput,
} from "../../../../../src/engine/models/roles/previous-output.ts";
import { signature } from "../../../../support/signature.ts";
import {
  inputPort,
  inputProblems,
  outputPort,
  outputProblems,
  problemsOf,
  withInput,
} from "./bind.ts";

const INPUTS = ["previous_frame", "previous_output", "image", "mask"];

test.each(INPUTS)("%s takes pictures of every layout and type", (role) => {
  const tensors = [
    ["x float32 [1, 3, H, W]", "nchw", "rgb"],
    ["x float16 [1, H, W, 3]", "nhwc", "rgb"],
    ["x uint8 [3, H, W]", "chw", "rgb"],
    ["x float32 [H, W, 1]", "hwc", "gray"],
  ] as const;
  for (const [tensor, layout, channels] of tensors) {
    expect(inputPort({ role }, tensor)).toMatchObject({ format: { layout, channels } });
  }
  expect(inputPort({ role, layout: "nhw" }, "x float32 [1, H, W]")).toMatchObject({
    format: { layout: "nhw", channels: "gray" },
  });
});

const WRONG: readonly (readonly [fields: PortEntry, tensor: string, problem: string])[] = [
  [{}, "x float32 [1, 1000]", "does not have the shape of a picture"],
  [{}, "x int64 [1, 3, H, W]", "dtype the tensor is int64: a picture is float32"],
  [{ dtype: "float16" }, "x float32 [1, 3, H, W]", 'dtype is "float16" but the tensor is float32'],
  [{ layout: "chw" }, "x float32 [1, 3, H, W]", 'layout is "chw" (3 dimensions)'],
  [{ channels: "gray" }, "x float32 [1, 3, H, W]", 'channels is "gray" but the tensor has 3'],
  [{}, "x float32 [1, 4, H, W]", 'channels is "rgb" but the tensor has 4 channels'],
  [{ range: [0, 0] }, "x float32 [1, 3, H, W]", "range is [0,0]: the values"],
  [{ range: [0, 1] }, "x uint8 [1, 3, H, W]", "range must be [0, 255] for a uint8 tensor"],
  [{ mean: [0.5] }, "x uint8 [1, 3, H, W]", "range must be [0, 255] for a uint8 tensor"],
  [{ mean: [1, 2] }, "x float32 [1, 3, H, W]", "mean has 2 values; give 1 or 3"],
  [{ std: [1, 1, 1] }, "x float32 [1, 1, H, W]", "std has 3 values; give 1 or 1"],
  [{ std: [1, 0, 1] }, "x float32 [1, 3, H, W]", "std contains 0"],
  [{ scale: 0.1 }, "x float32 [1, 3, H, W]", "scale is for int8 tensors"],
  [{ zero_point: 1 }, "x uint8 [1, 3, H, W]", "scale is for int8 tensors"],
];

test.each(WRONG)("a picture %j of %s is refused: %s", (fields, tensor, problem) => {
  for (const role of INPUTS) {
    expect(inputProblems({ role, ...fields }, tensor)).toContainEqual(
      expect.stringContaining(problem),
    );
  }
  expect(outputProblems({ role: "image", ...fields }, tensor)).toContainEqual(
    expect.stringContaining(problem),
  );
});

test.each(["image", "mask"])("%s of which the file fixes one side needs the other", (role) => {
  const problems = (size?: unknown) =>
    inputProblems({ role, ...(size !== undefined && { size }) }, "x float32 [1, 3, 48, W]");
  const missing = "size must be [width, 48] with a number for the side that the file leaves free";
  expect([problems(), problems("free")]).toEqual([[missing], [missing]]);
  expect(problems([320, 40])).toEqual(["size is [320,40] but the file fixes [any, 48]"]);
  expect(problems([320, 48])).toEqual([]);
});

test("int8 pictures have a scale and a zero point", () => {
  const quantised = { role: "image", scale: 1 / 128, zero_point: -3, range: [-1, 1] };
  expect(outputPort(quantised, "x int8 [1, 3, H, W]")).toMatchObject({
    format: { dtype: "int8", scale: 1 / 128, zeroPoint: -3 },
  });
});

test("a size is the file's, the entry's or free, and never contradicts the file", () => {
  const rule = (fields: PortEntry, tensor: string) =>
    inputPort({ role: "image", ...fields }, tensor);
  expect(rule({}, "x float32 [1, 3, 20, 30]")).toMatchObject({
    rule: { size: { width: 30, height: 20 } },
  });
  expect(rule({ size: [30, 20] }, "x float32 [1, 3, H, W]")).toMatchObject({
    rule: { size: { width: 30, height: 20 } },
  });
  expect(rule({ size: "free", multiple_of: 8 }, "x float32 [1, 3, H, W]")).toMatchObject({
    rule: { size: null, multipleOf: 8 },
  });
  for (const size of ["free", [20, 30]]) {
    expect(inputProblems({ role: "image", size }, "x float32 [1, 3, 20, 30]")).toEqual([
      `size is ${JSON.stringify(size)} but the file fixes [30, 20]`,
    ]);
  }
});

test("inputs that take the video must take it in one size", () => {
  const inputs = ["a float32 [1, 3, 64, 64]", "b float32 [1, 3, 32, 32]"];
  const json = { inputs: { a: { role: "frame" }, b: { role: "previous_frame" } } };
  expect(problemsOf(json, signature(inputs, ["y float32 [1, 3, 64, 64]"]))).toEqual([
    "inputs.b.size takes 32x32, another input 64x64: all must take the same",
  ]);
});

test("a model is without video where no input takes it, and may do without where all can", () => {
  const video = (entry: PortEntry) =>
    defineModel(
      "m",
      { inputs: { x: entry } },
      signature(["x float32 [1, 3, H, W]"], ["y float32 [1, 3, H, W]"]),
    ).video;
  expect(video({ role: "frame" })).toBe("required");
  expect(video({ role: "frame", optional: true })).toBe("optional");
  expect(video({ role: "previous_frame" })).toBe("required");
  expect(video({ role: "previous_output" })).toBe("none");
  expect(video({ role: "image" })).toBe("none");
});

test("a second picture is a parameter, unless only a file gives it", () => {
  const params = (fields: PortEntry) => withInput(fields, "x float32 [1, 3, H, W]").params;
  expect(params({ role: "image" })).toEqual([{ type: "picture", name: "x", description: "" }]);
  expect(params({ role: "mask", name: "cut", description: "d" })).toEqual([
    { type: "picture", name: "cut", description: "d" },
  ]);
  expect(params({ role: "image", file: "a.png" })).toEqual([]);
  expect(params({ role: "image", file: "a.png", name: "style" })).toMatchObject([
    { name: "style" },
  ]);
});

test("a model with memory of its pictures is not batched", () => {
  const batchable = (role: string) => withInput({ role }, "x float32 [N, 3, H, W]").batchable;
  expect(INPUTS.map(batchable)).toEqual([false, false, true, true]);
});

test("before the first output, a picture of another size than the port takes is black, not the frame", () => {
  const port = inputPort({ role: "previous_output" }, "x float32 [1, 3, 4, 4]");
  const frame = (side: number) => ({
    width: side,
    height: side,
    data: new Uint8Array(side * side * 3).fill(9),
  });
  const fed = (side: number) =>
    previousOutput.feed?.(
      port as PreviousOutputPort, // it has the role of one
      { lane: "a", picture: frame(side), original: null, size: frame(side), values: {} },
      new Map(),
    )["x/picture"];
  expect(fed(4)).toMatchObject({ dims: [1, 3, 4, 4], data: frame(4).data });
  expect(fed(8)).toMatchObject({ dims: [1, 3, 4, 4], data: new Uint8Array(48) });
});
