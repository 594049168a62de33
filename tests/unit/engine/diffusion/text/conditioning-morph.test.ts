/** A change of prompt flows over its duration, also when another change interrupts it. */
import { expect, test } from "bun:test";
import { blendConditionings } from "../../../../../src/engine/diffusion/text/conditioning-blend.ts";
import { ConditioningMorph } from "../../../../../src/engine/diffusion/text/conditioning-morph.ts";
import { conditioning, rows } from "./conditionings.ts";

const EMPTY = conditioning([[0, 0]], [0]);
const EAST = conditioning([[2, 0]], [1]);
const NORTH = conditioning([[0, 4]], [3]);
const LONG = conditioning([[0, 4], [6, 8]]); // biome-ignore format: one row a token

const blend = (t: number, method: "linear" | "slerp", from = EAST, to = NORTH) =>
  rows(blendConditionings(from, to, t, method, EMPTY));
const morph = (duration = 4) => new ConditioningMorph({ duration, method: "linear", empty: EMPTY });
/** What a morph shows for a target at each of these times. */
const shown = (one: ConditioningMorph, target = EAST, ...times: number[]) =>
  times.map((time) => rows(one.at(target, time))[0]);

test("linear blends number by number, the pooled vector too", () => {
  expect(blend(0.25, "linear")).toEqual([[1.5, 1]]);
  expect(blendConditionings(EAST, NORTH, 0.25, "linear", EMPTY).pooled).toEqual(
    Float32Array.of(1.5),
  );
});

test("slerp turns the direction and changes the length evenly", () => {
  const half = 3 * Math.SQRT1_2;
  expect(blend(0, "slerp")).toEqual([[2, 0]]);
  expect(blend(0.5, "slerp")[0]?.map((x) => x.toFixed(4))).toEqual(
    [half, half].map((x) => x.toFixed(4)),
  );
  expect(blend(1, "slerp")).toEqual([[0, 4]]);
});

test("slerp between vectors without an angle is linear", () => {
  expect(blend(0.5, "slerp", EAST, conditioning([[4, 0]]))).toEqual([[3, 0]]);
  expect(blend(0.25, "slerp", EAST, conditioning([[-2, 0]]))).toEqual([[1, 0]]);
  expect(blend(0.5, "slerp", EAST, EMPTY)).toEqual([[1, 0]]);
});

test("the shorter conditioning goes on with the empty prompt", () => {
  expect(blend(0.5, "linear", EAST, LONG)).toEqual([[1, 2], [3, 4]]); // biome-ignore format: one row a token
  expect(blend(0.5, "linear", LONG, EAST)).toEqual([[1, 2], [3, 4]]); // biome-ignore format: one row a token
});

test("the first prompt is there at once, and is not copied", () => {
  expect(morph().at(EAST, 7)).toBe(EAST);
});

test("a change starts at the next frame, slows down, and ends with the target itself", () => {
  const one = morph();
  shown(one, EAST, 0, 10);
  expect(shown(one, NORTH, 11, 12, 13)).toEqual([
    [2 * 0.5625, 4 * 0.4375],
    [2 * 0.25, 4 * 0.75],
    [2 * 0.0625, 4 * 0.9375],
  ]);
  expect(one.at(NORTH, 14)).toBe(NORTH);
  expect(one.at(NORTH, 15)).toBe(NORTH);
});

test("a change that interrupts another starts from what was shown", () => {
  const one = morph();
  shown(one, EAST, 0);
  const [before = []] = shown(one, NORTH, 2);
  const [after = []] = shown(one, EAST, 2.004);
  expect(before).toEqual([0.5, 3]);
  for (const [at, value] of after.entries()) expect(value).toBeCloseTo(before[at] ?? 0, 1);
  expect(one.at(EAST, 6)).toBe(EAST);
});

test("a duration of 0 changes at once", () => {
  const one = morph(0);
  one.at(EAST, 1);
  expect(one.at(NORTH, 1)).toBe(NORTH);
});
