import { expect, test } from "bun:test";
import {
  type ControlName,
  MOTION_PERIOD,
  OFFSETS,
} from "../../../../src/engine/prompts/controls.ts";
import { encodePrompts } from "../../../../src/engine/prompts/lexicon.ts";
import { PromptMorph } from "../../../../src/engine/prompts/morph.ts";

const DAY = encodePrompts([{ prompt: "a meadow at noon" }]);
const NIGHT = encodePrompts([{ prompt: "a city at night, fast" }]);
const FRAME = 1 / 30;

const number = (vector: Float32Array, name: ControlName | "motion"): number =>
  vector[OFFSETS[name]] ?? 0;

/** Vectors of one frame after the other; the prompt changes at two seconds. */
function run(frames: number, from = DAY, to = NIGHT): Float32Array[] {
  const morph = new PromptMorph();
  return Array.from({ length: frames }, (_, frame) => {
    const seconds = frame * FRAME;
    return morph.at(seconds < 2 ? from : to, seconds);
  });
}

const still = (vector: Float32Array): Float32Array => vector.slice(0, OFFSETS.motion);

test("the first prompt is there at once", () => {
  expect(still(run(1)[0] ?? new Float32Array())).toEqual(still(DAY));
});

test("a change takes a second, begins with its first frame, and every control goes one way", () => {
  const vectors = run(100);
  const [before, after] = [DAY, NIGHT];
  expect(still(vectors[59] ?? before)).toEqual(still(before));
  expect(still(vectors[60] ?? before)).not.toEqual(still(before));
  expect(still(vectors[88] ?? after)).not.toEqual(still(after));
  expect(still(vectors[90] ?? before)).toEqual(still(after));
  for (let at = 0; at < OFFSETS.motion; at++) {
    const way = Math.sign((after[at] ?? 0) - (before[at] ?? 0));
    for (let frame = 60; frame < 90; frame++) {
      const step = (vectors[frame]?.[at] ?? 0) - (vectors[frame - 1]?.[at] ?? 0);
      expect(step * way).toBeGreaterThanOrEqual(-1e-6);
      expect(Math.abs(step)).toBeLessThan(0.11);
    }
  }
});

test("motion is the sum of speed: it never jumps, whatever speed becomes", () => {
  const vectors = run(120, DAY, encodePrompts([{ prompt: "a racing storm" }]));
  for (let frame = 1; frame < vectors.length; frame++) {
    const step =
      number(vectors[frame] ?? new Float32Array(), "motion") -
      number(vectors[frame - 1] ?? new Float32Array(), "motion");
    expect(step).toBeGreaterThan(0.9 * FRAME);
    expect(step).toBeLessThan(2.3 * FRAME);
  }
});

test("a change in the midst of a change goes on from where it is", () => {
  const morph = new PromptMorph();
  morph.at(DAY, 0);
  const middle = morph.at(NIGHT, 0.5);
  const next = morph.at(DAY, 0.51);
  expect(Math.abs(number(next, "night") - number(middle, "night"))).toBeLessThan(0.05);
  expect(still(morph.at(DAY, 2))).toEqual(still(DAY));
});

test("motion stays exact for days: it starts again after its period", () => {
  const morph = new PromptMorph();
  const late = 7 * 86_400;
  const motion = number(morph.at(DAY, late), "motion");
  expect(motion).toBeLessThan(MOTION_PERIOD);
  const step = number(morph.at(DAY, late + FRAME), "motion") - motion;
  expect(Math.abs(step - FRAME)).toBeLessThan(1e-3);
});
