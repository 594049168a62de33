import { expect, test } from "bun:test";
import { checkpointAt, resumedFrom } from "../../../../src/engine/work/checkpoint.ts";
import { ticks } from "../../../../src/media/time.ts";

const start = {
  data: new Uint8Array(),
  first: true,
  pts: ticks(90_000),
  arrivedAt: 0,
  width: 64,
  height: 48,
};
const ts = { counters: { pat: 1, pmt: 2, video: 3, audio: 4 }, audio: null };

test("what a segment records is what a replacement begins with, after a gap as long as the real one", () => {
  const checkpoint = checkpointAt(7, start, { continuity: ts, settledAudio: null });
  expect(checkpoint).toEqual({
    seq: 7,
    pts: 90_000,
    size: { width: 64, height: 48 },
    audio: null,
    ts,
  });
  const orderedAt = performance.now() - 1000;
  const { after, ...rest } = resumedFrom({ ...checkpoint, age_ms: 2000 }, orderedAt);
  expect(rest).toEqual({ settledAudio: null, continuity: ts });
  expect(after).toBeGreaterThanOrEqual(90_000 + 3 * 90_000);
  expect(after).toBeLessThan(90_000 + 4 * 90_000);
});

test("audio that is not settled, and the state of another container, are not recorded", () => {
  const checkpoint = checkpointAt(0, start, { continuity: null, settledAudio: undefined });
  expect(checkpoint).toEqual({ seq: 0, pts: 90_000, size: { width: 64, height: 48 } });
  expect(Object.keys(resumedFrom({ ...checkpoint, age_ms: 0 }, 0))).toEqual(["after"]);
});

test("a new stream resumes nothing", () => {
  expect(resumedFrom(undefined, 0)).toEqual({ after: null });
});
