import { describe, expect, test } from "bun:test";
import { DecodeClock } from "../../../../../src/engine/source/matroska/decode-clock.ts";
import { ticks } from "../../../../../src/media/time.ts";

const STEP = 3600;
/** Decode order of groups with three B-frames, of which one is a reference: depth 2. */
const ORDER = [0, 4, 2, 1, 3, 8, 6, 5, 7, 12, 10, 9, 11];
const timesOf = (order: readonly number[], start = 0): number[] =>
  order.map((position) => start + position * STEP);
const decode = (clock: DecodeClock, times: readonly number[], depth: number): number[] =>
  times.map((pts) => clock.next(ticks(pts), depth, STEP));
const gapsOf = (times: readonly number[]): number[] =>
  times.slice(1).map((time, index) => time - (times[index] ?? 0));

test("decoding times rise by one picture where the stream says how deep it reorders", () => {
  const times = timesOf(ORDER, 90_000);
  const decoded = decode(new DecodeClock(), times, 2);
  expect(decoded[0]).toBe(90_000 - 2 * STEP);
  expect(new Set(gapsOf(decoded))).toEqual(new Set([STEP]));
  for (const [index, dts] of decoded.entries()) expect(dts).toBeLessThanOrEqual(times[index] ?? 0);
});

test("pictures in order are decoded when they are shown", () => {
  const times = timesOf([0, 1, 2, 3, 7, 8]);
  expect(decode(new DecodeClock(), times, 0)).toEqual(times);
});

describe("the next file", () => {
  test("goes on where its times do, rounded or not", () => {
    const clock = new DecodeClock();
    const decoded = decode(clock, timesOf(ORDER), 2);
    clock.restart();
    decoded.push(...decode(clock, timesOf(ORDER, 13 * STEP - 45), 2));
    for (const gap of gapsOf(decoded)) expect(gap).toBeGreaterThan(0);
    expect((decoded.at(-1) ?? 0) - (decoded[0] ?? 0)).toBeCloseTo(25 * STEP - 45, -2);
  });

  test("may begin a clock of its own, however short the file before was", () => {
    const clock = new DecodeClock();
    const short = timesOf(ORDER.slice(0, 5));
    const decoded = decode(clock, short, 2);
    clock.restart();
    expect(decode(clock, short, 2)).toEqual(decoded);
  });
});

test("how long a picture lasts is measured for the next clock, where the container does not say it", () => {
  const clock = new DecodeClock();
  const times = timesOf(ORDER).map((time) => time / 2);
  for (const pts of times) clock.next(ticks(pts), 2, null);
  clock.restart();
  expect(clock.next(ticks(0), 2, null)).toBe(ticks(-STEP));
});

test("a clock that leaps within a file is followed", () => {
  const clock = new DecodeClock();
  const first = decode(clock, timesOf(ORDER), 2);
  for (const start of [90_000_000, 0]) {
    const later = decode(clock, timesOf(ORDER, start), 2);
    expect(later.map((time) => time - start)).toEqual(first);
  }
});

test("times that make no sense still give decoding times that rise within a second", () => {
  const clock = new DecodeClock();
  const times = Array.from({ length: 500 }, (_, index) => ((index * 7919) % 1000) * 80);
  for (const gap of gapsOf(decode(clock, times, 0))) expect(gap).toBeGreaterThan(0);
});
