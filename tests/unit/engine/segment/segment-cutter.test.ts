/** When a segment is long or large enough. */
import { expect, test } from "bun:test";
import { SegmentCutter } from "../../../../src/engine/segment/segment-cutter.ts";
import { ticks } from "../../../../src/media/time.ts";

const FRAME = 3000;

/** Encodes pictures of these sizes: the first of each segment, and those that were left out. */
function cut(sizes: readonly number[], seconds = 10): { first: number[]; leftOut: number[] } {
  const cutter = new SegmentCutter(seconds);
  const first: number[] = [];
  const leftOut: number[] = [];
  for (const [index, size] of sizes.entries()) {
    const keyFrame = index === 0 || cutter.isDue(ticks(index * FRAME), FRAME);
    if (keyFrame) {
      cutter.begin(ticks(index * FRAME));
      first.push(index);
    }
    if (!cutter.add({ data: new Uint8Array(size), keyFrame })) leftOut.push(index);
  }
  return { first, leftOut };
}

test("a segment begins at the picture nearest to its length", () => {
  expect(cut(Array(95).fill(1000), 1).first).toEqual([0, 30, 60, 90]);
  expect(cut(Array(20).fill(1000), 0.25).first).toEqual([0, 7, 14]);
});

test("a segment begins before the one under way reaches 8,000,000 bytes", () => {
  // 20 of 400,000 bytes are 8,000,000; with what MPEG-TS adds, and one more to come, it is full after 19.
  expect(cut(Array(60).fill(400_000))).toEqual({ first: [0, 19, 38, 57], leftOut: [] });
});

test("a picture that would make a segment too large is left out, and the next one begins a segment", () => {
  const sizes = Array(30).fill(400_000);
  sizes[18] = 2_500_000;
  expect(cut(sizes)).toEqual({ first: [0, 19], leftOut: [18] });
});

test("after a gap the segment that begins is as long as any other", () => {
  const cutter = new SegmentCutter(1);
  cutter.begin(ticks(0));
  const gap = 30 * 90_000;
  expect(cutter.isDue(ticks(gap), FRAME)).toBe(true);
  cutter.begin(ticks(gap));
  expect(cutter.isDue(ticks(gap + FRAME), gap)).toBe(false);
});
