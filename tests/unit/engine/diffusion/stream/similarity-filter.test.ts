/** Frames that hardly differ are skipped: as often as their similarity says, and never for long. */
import { expect, test } from "bun:test";
import { SimilarityFilter } from "../../../../../src/engine/diffusion/stream/similarity-filter.ts";
import type { StillPicture } from "../../../../../src/engine/models/roles/role.ts";

const [width, height] = [80, 48];

/** A picture of stripes, shifted by some pixels. */
function stripes(shift: number): StillPicture {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, at) =>
    Math.round(127.5 + 100 * Math.sin(((at % width) + shift) / 6)),
  );
  return { data, width, height };
}

const decisions = (filter: SimilarityFilter, frames: readonly StillPicture[], threshold = 0.98) =>
  frames.map((frame) => filter.skips(frame, threshold));

const still = (count: number) => Array.from({ length: count }, () => stripes(0));

test("a still picture is drawn once in eleven frames", () => {
  const drawn = decisions(new SimilarityFilter(1), still(34)).flatMap((skipped, at) =>
    skipped ? [] : [at],
  );
  expect(drawn).toEqual([0, 11, 22, 33]);
});

test("pictures that differ are all drawn, and none is skipped at a threshold of 1", () => {
  const moving = Array.from({ length: 20 }, (_, at) => stripes(at * 5));
  expect(decisions(new SimilarityFilter(1), moving)).not.toContain(true);
  expect(decisions(new SimilarityFilter(1), still(20), 1)).not.toContain(true);
});

test("the more similar, the more are skipped; the same seed decides alike", () => {
  const skipped = (shift: number, seed = 4) => {
    const frames = Array.from({ length: 400 }, (_, at) => stripes((at % 2) * shift));
    return decisions(new SimilarityFilter(seed), frames, 0.9);
  };
  const counts = [0.2, 1, 2, 4].map((shift) => skipped(shift).filter(Boolean).length);
  expect(counts).toEqual(counts.toSorted((a, b) => b - a));
  expect(new Set(counts).size).toBe(4);
  expect(skipped(2)).toEqual(skipped(2));
  expect(skipped(2, 5)).not.toEqual(skipped(2));
});

test("a frame after a reset, and one of another size, is drawn", () => {
  const filter = new SimilarityFilter(1);
  expect(decisions(filter, still(2))).toEqual([false, true]);
  filter.reset();
  expect(decisions(filter, still(2))).toEqual([false, true]);
  const small = { width: 8, height: 8, data: new Uint8Array(192).fill(200) };
  expect(decisions(filter, [small, small])).toEqual([false, true]);
});

test("a uniform grey, which has no direction, is as similar to itself as can be", () => {
  const grey = { width, height, data: new Uint8Array(width * height * 3).fill(0) };
  const filter = new SimilarityFilter(1);
  expect(decisions(filter, [grey, grey, stripes(0)])).toEqual([false, true, false]);
});
