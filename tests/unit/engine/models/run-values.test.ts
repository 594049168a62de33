import { expect, test } from "bun:test";
import { defineModel } from "../../../../src/engine/models/define-model.ts";
import type { Moment } from "../../../../src/engine/models/roles/role.ts";
import { sameValues, sampleItem, valuesOf } from "../../../../src/engine/models/run-values.ts";
import { defaultControls } from "../../../../src/engine/prompts/controls.ts";
import { signature } from "../../../support/signature.ts";

const PICTURE = "y float32 [1, 3, H, W]";

const moment = (changes: Partial<Moment> = {}): Moment => ({
  params: {},
  prompts: [],
  graphs: [],
  timeSeconds: 10,
  size: { width: 64, height: 32 },
  outputSize: { width: 128, height: 64 },
  sum: () => 0,
  text: () => defaultControls(),
  upstream: () => null,
  picture: () => null,
  ...changes,
});

test("a tensor gets the sum where it asks for one and the value where it does not", () => {
  const definition = defineModel(
    "m",
    { inputs: { turn: { role: "param", sum: true, max: 9, default: 2 } } },
    signature(["turn float64 []", "zoom float32 [1]"], [PICTURE]),
  );
  const sum = (name: string, rate: number) => (name === "turn" ? rate * 10 + 1 : Number.NaN);
  expect(valuesOf(definition, moment({ sum }))).toEqual({ turn: 21, zoom: 1 });
  const params = { turn: 4, zoom: 0.5 };
  expect(valuesOf(definition, moment({ params, sum }))).toEqual({ turn: 41, zoom: 0.5 });
});

test("time and sides come from the moment, and pictures from the worker", () => {
  const definition = defineModel(
    "m",
    { inputs: { t: { role: "time" }, w: { role: "width" }, h: { role: "height" } } },
    signature(["x float32 [1, 3, H, W]", "t float32 []", "w int64 [1]", "h int64 [1]"], [PICTURE]),
  );
  expect(valuesOf(definition, moment())).toEqual({ t: 10, w: 64, h: 32 });
});

test("values are the same if their numbers and tensors are equal, and pictures if they are identical", () => {
  const floats = (...numbers: number[]) => ({
    dtype: "float32" as const,
    dims: [numbers.length],
    data: Float32Array.from(numbers),
  });
  const picture = () => ({ width: 1, height: 1, data: new Uint8Array(3) });
  expect(sameValues({ a: 1, b: floats(1, 2) }, { a: 1, b: floats(1, 2) })).toBe(true);
  expect(sameValues({ a: 1 }, { a: 2 })).toBe(false);
  expect(sameValues({ a: floats(1, 2) }, { a: floats(1, 3) })).toBe(false);
  expect(sameValues({ a: 1 }, { b: 1 })).toBe(false);
  expect(sameValues({ a: 1 }, { a: 1, b: 1 })).toBe(false);
  const one = picture();
  expect(sameValues({ a: one }, { a: one })).toBe(true);
  expect(sameValues({ a: one }, { a: picture() })).toBe(false);
});

test("a warm-up run has grey pictures in the model's size and the output's, and every value", () => {
  const definition = defineModel(
    "m",
    { outputs: { y: { role: "mask" } } },
    signature(["x float32 [1, 3, 32, 48]", "k float32 [1]"], ["y float32 [1, 1, 32, 48]"]),
  );
  const item = sampleItem(definition, { width: 100, height: 80 });
  expect(item.size).toEqual({ width: 48, height: 32 });
  expect(item.picture).toEqual({
    width: 48,
    height: 32,
    data: new Uint8Array(48 * 32 * 3).fill(128),
  });
  expect(item.original).toMatchObject({ width: 100, height: 80 });
  expect(Object.keys(item.values).sort()).toEqual(["k", "y"]);
});
