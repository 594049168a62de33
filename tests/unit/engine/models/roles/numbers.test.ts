/** Roles that feed one number: `param`, `seed`, `time`, `width`, `height`. */
import { expect, test } from "bun:test";
import { comfystreamImage } from "../../../../../src/capabilities/comfystream-image.ts";
import { defineModel } from "../../../../../src/engine/models/define-model.ts";
import type { ModelDefinition } from "../../../../../src/engine/models/definition.ts";
import type { PortEntry } from "../../../../../src/engine/models/model-json.ts";
import type { Moment } from "../../../../../src/engine/models/roles/role.ts";
import { valuesOf } from "../../../../../src/engine/models/run-values.ts";
import { defaultControls } from "../../../../../src/engine/prompts/controls.ts";
import { REQUEST_FIELDS } from "../../../../../src/engine/protocol/models.ts";
import { CHANGING_FIELDS, FIXED_FIELDS } from "../../../../../src/server/streams/fields.ts";
import { signature } from "../../../../support/signature.ts";
import { inputPort, inputProblems, withInput } from "./bind.ts";

const moment = (params: Moment["params"]): Moment => ({
  params,
  prompts: [],
  graphs: [],
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
  [{ role: "param", min: 3, max: 1, default: 2 }, "k float32 []", "max is 1 and min is 3"],
  [{ role: "param", min: 2 }, "k float32 []", "max is 1 and min is 2: state both"],
  [{ role: "param", name: "width" }, "k float32 []", 'name is "width", a field of every request'],
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

test("a default that nobody states is the number nearest to 1 in the range", () => {
  const defaultOf = (range: { min: number; max: number }) =>
    withInput({ role: "param", ...range }, "k float32 []").params[0];
  expect(defaultOf({ min: 2, max: 5 })).toMatchObject({ default: 2 });
  expect(defaultOf({ min: -3, max: 0.5 })).toMatchObject({ default: 0.5 });
  expect(defaultOf({ min: 0, max: 10 })).toMatchObject({ default: 1 });
});

test("a parameter without a name has one made of its tensor's, which no field of requests has", () => {
  const nameOf = (tensor: string) =>
    defineModel("m", {}, signature([`${tensor} float32 [1]`], ["y float32 [1, 3, H, W]"])).params[0]
      ?.name;
  expect(nameOf("strength")).toBe("strength");
  expect(nameOf("net/strength:0")).toBe("net_strength_0");
  expect(nameOf("3")).toBe("_3");
  expect(nameOf("fps")).toBe("model_fps");
  expect(nameOf("s".repeat(80))).toBe("s".repeat(64));
});

test("the names that parameters cannot have are those of all fields of requests", () => {
  const fields = [
    ...FIXED_FIELDS,
    ...CHANGING_FIELDS,
    ...Object.keys(comfystreamImage.input["properties"]),
  ];
  expect(fields.filter((name) => name !== "seed" && !REQUEST_FIELDS.includes(name))).toEqual([]);
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
