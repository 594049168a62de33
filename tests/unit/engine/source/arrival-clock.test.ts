import { expect, test } from "bun:test";
import { ArrivalClock } from "../../../../src/engine/source/arrival-clock.ts";
import { ticksFromSeconds } from "../../../../src/media/time.ts";

const FRAME_SECONDS = 1 / 25;

/** A frame with its number and the millisecond at which it came. */
const frame = (index: number, arrivedAt: number) => ({
  pts: ticksFromSeconds(100 + index * FRAME_SECONDS),
  arrivedAt,
});

test("frames that come evenly are due as they come", () => {
  const clock = new ArrivalClock();
  for (let index = 0; index < 50; index++) {
    const one = frame(index, index * 40);
    clock.record(one);
    expect(clock.dueAt(one.pts)).toBeCloseTo(one.arrivedAt, 3);
  }
});

test("a burst is due at its own pace, from its arrival on", () => {
  const clock = new ArrivalClock();
  const burst = Array.from({ length: 10 }, (_, index) => frame(index, 5000));
  for (const one of burst) clock.record(one);
  expect(burst.map(({ pts }) => Math.round(clock.dueAt(pts)))).toEqual(
    burst.map((_, index) => 5000 + index * 40),
  );
});

test("one late frame delays those after it, and is forgotten after some seconds", () => {
  const clock = new ArrivalClock();
  clock.record(frame(0, 0));
  clock.record(frame(1, 40 + 300));
  expect(clock.dueAt(frame(2, 0).pts)).toBeCloseTo(80 + 300, 3);
  for (let index = 2; index < 300; index++) clock.record(frame(index, index * 40));
  expect(clock.dueAt(frame(300, 0).pts)).toBeCloseTo(12_000, 3);
});

test("of a long silence that is made up for at once, four seconds are played and no more", () => {
  const clock = new ArrivalClock();
  for (let index = 0; index < 25; index++) clock.record(frame(index, index * 40));
  const arrival = 21_000;
  for (let index = 25; index < 25 + 500; index++) {
    if (index % 25 === 0) clock.nextSegment();
    clock.record(frame(index, arrival));
  }
  const late = Array.from({ length: 500 }, (_, index) =>
    clock.dueAt(frame(25 + index, 0).pts),
  ).filter((due) => due <= arrival).length;
  expect(late).toBeCloseTo(400, -1);
  expect(clock.dueAt(frame(524, 0).pts)).toBeCloseTo(arrival + 4000, 3);
});

test("segments of ten seconds, each in one burst, are due at their own pace, the first and the third", () => {
  const clock = new ArrivalClock();
  for (const segment of [0, 1, 2]) {
    clock.nextSegment();
    const arrival = (segment + 1) * 10_000;
    const burst = Array.from({ length: 250 }, (_, n) => frame(segment * 250 + n, arrival));
    for (const one of burst) clock.record(one);
    expect(burst.map(({ pts }) => Math.round(clock.dueAt(pts)))).toEqual(
      burst.map((_, n) => arrival + n * 40),
    );
  }
});
