/** Roles that feed one number: `param`, `seed`, `time`, `width`, `height`. */
import { expect, test } from "bun:test";
import type { ModelDefinition } from "../../../../../src/engine/models/definition.ts";
import type { PortEntry } from "../../../../../src/engine/models/model-json.ts";
import type { Moment } from "../../../../../src/engine/models/roles/role.ts";
import { valuesOf } from "../../../../../src/engine/models/run-values.ts";
import { defaultControls } from "../../../../../src/engine/prompts/controls.ts";
import { inputPort, inputProblems, withInput } from "./bind.ts";

const moment = (params: Moment["params"]): Moment => ({
  params,
  timeSeconds: 3,
  size: { width: 64, height: 32 },
  outputSize: { width: 64, height: 32 },
  sum: (_, rate) => rate * 3,
  text: () => defaultControls(),
  upstream: () => null,
  picture: () => null,
});

/** The value of the tensor `k`, where the parameters are these. */
const fed = (definition: ModelDefinition, params: Moment["params"]) =>
  valuesOf(definition, moment(params))["k"];

test.each(["param", "seed", "time", "width", "height"])(
  "%s takes any tensor of one number",
  (role) => {
    for (const type of ["float32", "float16", "float64", "int32", "int64", "uint8"]) {
      for (const dims of ["[]", "[1]", "[1, 1]", "[N]"]) {
        expect(inputProblems({ role }, `k ${type} ${dims}`)).toEqual([]);
      }
    }
    for (const dims of ["[2]", "[1, 3]", "[1, 3, H, W]"]) {
      expect(inputProblems({ role }, `k float32 ${dims}`)).toEqual([
        `has role "${role}", which needs one number, but the tensor is "k" float32 ${dims}`,
      ]);
    }
  },
);

test("a parameter of a bool tensor is a switch", () => {
  const definition = withInput({ role: "param", default: 1, description: "d" }, "k bool [1]");
  expect(definition.params).toEqual([
    { type: "switch", name: "k", description: "d", default: true },
  ]);
  expect([fed(definition, {}), fed(definition, { k: false })]).toEqual([1, 0]);
});

test("a tensor gets the parameter's range mapped to values, linearly or by their ratio", () => {
  const range = { role: "param", min: 0, max: 10, default: 5 };
  const linear = withInput({ ...range, values: [100, 200] }, "k float32 []");
  expect([0, 5, 10].map((k) => fed(linear, { k }))).toEqual([100, 150, 200]);
  const log = withInput({ ...range, values: [1, 10_000], scale: "log" }, "k float32 []");
  expect([0, 5, 10].map((k) => Math.round(Number(fed(log, { k }))))).toEqual([1, 100, 10_000]);
  const falling = withInput({ ...range, values: [1, 0] }, "k float32 []");
  expect(fed(falling, { k: 10 })).toBe(0);
});

test("a rate is mapped before it is summed", () => {
  const rate = { role: "param", sum: true, max: 10, default: 5, values: [0, 1] };
  expect(fed(withInput(rate, "k float32 []"), { k: 5 })).toBe(1.5);
});

const REFUSED: readonly (readonly [PortEntry, tensor: string, problem: string])[] = [
  [{ role: "param", default: 2 }, "k float32 []", "default is 2, outside 0 to 1"],
  [{ role: "param", min: 3, max: 1, default: 2 }, "k float32 []", "default is 2, outside 3 to 1"],
  [{ role: "param", sum: true }, "k int32 []", "sum is true, which gives a fraction"],
  [{ role: "param", scale: "log" }, "k float32 []", 'scale is "log", which needs values'],
  [
    { role: "param", scale: "log", values: [0, 1] },
    "k float32 []",
    'scale is "log", which needs values of two positive numbers',
  ],
];

test.each(REFUSED)("%j of %s is refused: %s", (entry, tensor, problem) => {
  expect(inputProblems(entry, tensor)).toEqual([expect.stringContaining(problem)]);
});

test("the seed is a whole number of 32 bits, whatever its tensor's type", () => {
  const definition = withInput({ role: "seed" }, "k int64 [1]");
  expect(definition.params).toMatchObject([
    { name: "seed", integer: true, min: 0, max: 2 ** 32 - 1 },
  ]);
  expect([fed(definition, {}), fed(definition, { seed: 7 })]).toEqual([0, 7]);
});

test("time and sides are no parameters; time alone makes a model run on every frame", () => {
  for (const role of ["time", "width", "height"]) {
    const { params, live } = withInput({ role }, "k float32 []");
    expect([params, live.alone]).toEqual([[], role === "time"]);
  }
  expect(inputPort({ role: "time" }, "k float32 [1, 1]")).toMatchObject({ rank: 2 });
});
