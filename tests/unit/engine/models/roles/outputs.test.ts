/** Roles of outputs that are more than a picture: `mask`, `heat`, `data`, `ignore`. */
import { expect, test } from "bun:test";
import { defineModel } from "../../../../../src/engine/models/define-model.ts";
import type { PortEntry } from "../../../../../src/engine/models/model-json.ts";
import { signature } from "../../../../support/signature.ts";
import { outputPort, outputProblems, problemsOf, withOutput } from "./bind.ts";

test.each(["mask", "heat"])("%s takes maps of every layout, and any channel of them", (role) => {
  const tensors = [
    ["m float32 [H, W]", "hw"],
    ["m float32 [1, H, W]", "nhw"],
    ["m float16 [1, 2, H, W]", "nchw"],
    ["m int64 [1, H, W, 1]", "nhwc"],
  ] as const;
  for (const [tensor, layout] of tensors) {
    expect(outputPort({ role }, tensor)).toMatchObject({ layout, channel: 0 });
  }
  expect(outputPort({ role, channel: 1 }, "m float32 [1, 2, H, W]")).toMatchObject({ channel: 1 });
  expect(outputPort({ role, layout: "chw" }, "m float32 [2, H, W]")).toMatchObject({
    layout: "chw",
  });
});

const WRONG: readonly (readonly [PortEntry, tensor: string, problem: string])[] = [
  [{}, "m float32 [1000]", "does not have the shape of a map"],
  [{}, "m float32 [1, 1, 1, H, W]", "does not have the shape of a map"],
  [{ layout: "hw" }, "m float32 [1, H, W]", 'with layout "hw" does not have the shape of a map'],
  [{ channel: 2 }, "m float32 [1, 2, H, W]", "channel is 2 but the tensor has 2"],
  [{ channel: 1 }, "m float32 [H, W]", "channel is 1 but the tensor has 1"],
];

test.each(WRONG)("a map %j of %s is refused: %s", (fields, tensor, problem) => {
  for (const role of ["mask", "heat"]) {
    expect(outputProblems({ role, ...fields }, tensor)).toContainEqual(
      expect.stringContaining(problem),
    );
  }
});

test("a mask's background is a colour, a blur without parameters, or a picture", () => {
  const params = (over?: string) =>
    withOutput({ role: "mask", ...(over && { over }) }, "m float32 [1, 1, H, W]").params;
  expect(params()).toMatchObject([
    { type: "vector", name: "background", entries: ["red", "green", "blue"] },
  ]);
  expect(params("blur")).toEqual([]);
  expect(params("image")).toMatchObject([{ type: "picture", name: "background" }]);
});

test("heat has a range, or finds one; its blend is a parameter", () => {
  const tensor = "m float32 [1, 1, H, W]";
  expect(outputPort({ role: "heat" }, tensor)).toMatchObject({ range: null, colours: "inferno" });
  expect(outputPort({ role: "heat", range: [2, 9] }, tensor)).toMatchObject({ range: [2, 9] });
  expect(withOutput({ role: "heat", blend: 0.2 }, tensor).params).toMatchObject([
    { type: "number", name: "blend", default: 0.2, min: 0, max: 1 },
  ]);
});

test("a map over the video needs video, also where the frame is optional", () => {
  const json = {
    inputs: { x: { role: "frame", optional: true } },
    outputs: { m: { role: "heat" } },
  };
  const graph = signature(["x float32 [1, 3, H, W]"], ["m float32 [1, 1, H, W]"]);
  expect(defineModel("m", json, graph).video).toBe("required");
});

test("a parameter of the output that an input's has the name of, and not the type, is refused", () => {
  const graph = signature(["x float32 [1, 3, H, W]", "k float32 [1]"], ["m float32 [1, 1, H, W]"]);
  const named = (name: string) => ({
    inputs: { k: { role: "param", name } },
    outputs: { m: { role: "mask" } },
  });
  expect(problemsOf(named("background"), graph)).toEqual([
    'inputs give the name "background" to parameters of two types: set the name of one of them',
  ]);
  expect(problemsOf(named("strength"), graph)).toEqual([]);
});

test("what is drawn over the video needs it, follows it, and has no fit of its own", () => {
  const graph = signature(["k float32 [1]"], ["m float32 [1, 1, 64, 64]"]);
  const mask = { outputs: { m: { role: "mask" } } };
  expect(withOutput({ role: "mask" }, "m float32 [1, 1, H, W]")).toMatchObject({
    video: "required",
    overlays: true,
    live: { withVideo: true },
  });
  expect(problemsOf({ ...mask, fit: "contain" }, graph)).toEqual([
    expect.stringContaining("fit has no meaning for a mask or heat output"),
  ]);
});

test("only one output is the picture", () => {
  const graph = signature(
    ["x float32 [1, 3, H, W]"],
    ["a float32 [1, 3, H, W]", "b float32 [1, 1, H, W]"],
  );
  const both = { outputs: { a: { role: "image" }, b: { role: "mask" } } };
  expect(problemsOf(both, graph)).toEqual([
    'outputs "a" and "b" are all the picture: ignore all but one',
  ]);
  expect(problemsOf({ outputs: { a: { role: "ignore" }, b: { role: "mask" } } }, graph)).toEqual(
    [],
  );
});

test("labels name each of the numbers along the last dimension", () => {
  const entry = { role: "data", labels: ["cat", "dog"] };
  expect(outputPort(entry, "s float32 [1, 2]")).toMatchObject({
    labels: ["cat", "dog"],
    activation: "none",
    limit: 1024,
  });
  expect(outputProblems(entry, "s float32 [1, 3]")).toEqual([
    'labels names 2 of 3 numbers: "s" float32 [1, 3]',
  ]);
  expect(outputProblems(entry, "s float32 [N, C]")).toEqual([]);
});
