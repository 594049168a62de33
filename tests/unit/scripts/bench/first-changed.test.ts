/** How benchmark `join` finds the first picture that a change made. */
import { expect, test } from "bun:test";
import { firstChanged } from "../../../../scripts/bench/first-changed.ts";
import type { Picture } from "../../../../scripts/bench/join-probe.ts";

const FRAME_MS = 40;

/** Pictures of one level each, at a steady pace. */
const film = (...levels: number[]): Picture[] =>
  levels.map((level, frame) => ({
    what: "picture",
    at: frame * FRAME_MS,
    media: frame / 25,
    pixels: Array(192).fill(level),
  }));

test("a picture that stands still gives the first one that differs visibly", () => {
  const pictures = film(50, 50, 50, 51, 53, 90);
  expect(firstChanged(pictures, 2 * FRAME_MS)).toBe(pictures[4]);
});

test("a picture that moves by itself gives the first one that motion does not explain", () => {
  const pictures = film(50, 54, 50, 54, 50, 54, 57, 60);
  expect(firstChanged(pictures, 4 * FRAME_MS)).toBe(pictures[7]);
});

test("no picture after the change, or none before it, gives nothing", () => {
  expect(firstChanged(film(50, 50, 90), 2 * FRAME_MS)).toBeUndefined();
  expect(firstChanged(film(50, 90), -1)).toBeUndefined();
});
