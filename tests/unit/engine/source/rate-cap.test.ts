import { expect, test } from "bun:test";
import { RateCap } from "../../../../src/engine/source/rate-cap.ts";
import { TICKS_PER_SECOND, ticks } from "../../../../src/media/time.ts";

/** Times in ticks of `count` frames at this rate, rounded to whole milliseconds where a sender does that. */
const stamps = (rate: number, count: number, { milliseconds = false } = {}): number[] =>
  Array.from({ length: count }, (_, index) =>
    milliseconds
      ? Math.round((index * 1000) / rate) * 90
      : Math.round((index * TICKS_PER_SECOND) / rate),
  );

/** Indices of the frames that pass. */
function passed(
  times: readonly number[],
  fps: number | undefined | ((index: number) => number | undefined),
): number[] {
  const cap = new RateCap();
  const rate = typeof fps === "function" ? fps : () => fps;
  return times.flatMap((pts, index) => (cap.accepts(ticks(pts), rate(index)) ? [index] : []));
}

const steps = (indices: readonly number[]): number[] =>
  indices.slice(1).map((index, at) => index - (indices[at] ?? 0));

test("half of a rate is every second frame, however long it goes on", () => {
  for (const [rate, fps] of [
    [30, 15],
    [29.97, 15],
    [59.94, 30],
    [60_000 / 1001, 30],
  ] as const) {
    for (const milliseconds of [false, true]) {
      const indices = passed(stamps(rate, 6000, { milliseconds }), fps);
      expect(indices.length).toBe(3000);
      expect(new Set(steps(indices))).toEqual(new Set([2]));
    }
  }
});

test("one frame in 25 is left out to get from 25 to 24, evenly", () => {
  const indices = passed(stamps(25, 2500), 24);
  expect(indices.length).toBeWithin(2399, 2402);
  const left = stamps(25, 2500).flatMap((_, index) => (indices.includes(index) ? [] : [index]));
  for (const step of steps(left)) expect(step).toBeWithin(24, 27);
});

test.each([
  [30, 24],
  [30, 20],
  [60, 25],
  [25, 10],
  [29.97, 12.5],
  [24, 1],
])(
  "%d frames a second become %d, no further apart than two input frames from even",
  (rate, fps) => {
    const seconds = 60;
    const times = stamps(rate, rate * seconds);
    const indices = passed(times, fps);
    expect(indices.length / seconds).toBeWithin(fps * 0.99, fps * 1.001 + 1 / seconds);
    for (const step of steps(indices)) {
      expect(Math.abs(step - rate / fps)).toBeLessThan(1);
    }
  },
);

test("an input that is slower than the cap passes whole", () => {
  for (const fps of [25, 25.1, 30, 60, undefined]) {
    expect(passed(stamps(25, 500), fps).length).toBe(500);
  }
});

test("a pause of the input gives no burst after it", () => {
  const before = stamps(30, 60);
  const after = stamps(30, 60).map((pts) => pts + 20 * TICKS_PER_SECOND);
  expect(steps(passed([...before, ...after], 15))).toEqual(Array(59).fill(2));
});

test("a change applies from the next frame on, and null lets all pass again", () => {
  const rates = (index: number) => (index < 60 ? undefined : index < 120 ? 10 : 30);
  const indices = passed(stamps(30, 180), rates);
  expect(indices.filter((index) => index < 60).length).toBe(60);
  expect(indices.filter((index) => index >= 60 && index < 120)).toEqual(
    Array.from({ length: 20 }, (_, at) => 62 + at * 3).filter((index) => index < 120),
  );
  expect(indices.filter((index) => index >= 122).length).toBe(58);
});

test("times that go back start anew", () => {
  const times = [...stamps(30, 30), ...stamps(30, 30)];
  expect(passed(times, 15).length).toBe(30);
});
