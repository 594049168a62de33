import { expect, test } from "bun:test";
import { latenciesOf, rateOf } from "../../../../scripts/bench/worker-figures.ts";

/** 120 frames, one every 10 ms; frame n comes out `delay(n)` ms later, or not at all where that is null. */
function times(delay: (frame: number) => number | null) {
  const sent = Array.from({ length: 120 }, (_, frame) => 1000 + frame * 10);
  const out = sent.flatMap((at, frame) => {
    const after = delay(frame);
    return after === null ? [] : [[frame, { first: at + after, last: at + after + 2 }] as const];
  });
  return { sent, arrivals: new Map(out) };
}

test("latencies are those of frames that came out, without the start and the end of the run", () => {
  const run = times((frame) => (frame < 45 || frame >= 90 ? 900 : frame === 50 ? null : 7));
  const { toFirstByte, lost } = latenciesOf(run);
  expect(toFirstByte).toEqual(new Array(44).fill(7));
  expect(lost).toBe(1);
});

test("the first output counts from the first byte sent, whichever frame it is of", () => {
  const run = times((frame) => (frame < 4 ? null : 5));
  expect(latenciesOf(run).firstOutput).toBe(4 * 10 + 5);
});

test("a rate counts frames that came out between the filled windows", () => {
  const run = times((frame) => (frame % 10 === 5 ? null : 7));
  // Frames 20 to 99, the last byte of which came out from 1209 to 1999 ms: 72 of 80.
  const { fps, lost } = rateOf(run, 20);
  expect(fps).toBeCloseTo(71 / 0.79);
  expect(lost).toBe(8);
});
