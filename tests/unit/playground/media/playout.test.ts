import { describe, expect, test } from "bun:test";
import { Playout } from "../../../../src/playground/media/playout.ts";

const FRAME = 1000 / 30;
/** The delays that pictures get beyond their arrival, where picture n arrives `late(n)` after its time, or after the one before. */
const waits = (count: number, late: (n: number) => number): number[] => {
  const playout = new Playout();
  let arrives = 0;
  return Array.from({ length: count }, (_, n) => {
    arrives = Math.max(arrives, 1000 + n * FRAME + late(n));
    return playout.due(n * FRAME, arrives) - arrives;
  });
};

describe("a picture", () => {
  test("is shown at once where all come evenly", () => {
    expect(Math.max(...waits(300, () => 40))).toBeLessThan(0.01);
  });

  test("waits for its time where others come late, so that the intervals are even", () => {
    const late = (n: number) => (n % 3 === 0 ? 30 : 0);
    const delays = waits(600, late).slice(300);
    const shown = delays.map((delay, index) => delay + late(index + 300));
    expect(Math.max(...shown) - Math.min(...shown)).toBeLessThan(1);
    expect(Math.max(...shown)).toBeLessThan(100);
  });

  test("is never shown before the one in front of it, and never before it has come", () => {
    const playout = new Playout();
    let before = 0;
    for (let n = 0; n < 500; n++) {
      const arrives = Math.max(before, n * FRAME + ((n * 7919) % 60));
      const due = playout.due(n * FRAME, arrives);
      expect(due).toBeGreaterThanOrEqual(Math.max(before, arrives));
      before = due;
    }
  });

  test("is shown at once after a jump of media times, back or ahead", () => {
    const playout = new Playout();
    for (let n = 0; n < 100; n++) playout.due(n * FRAME, n * FRAME + (n % 2) * 20);
    expect(playout.due(0, 5000)).toBe(5000);
    expect(playout.due(60_000, 5033)).toBe(5033);
  });

  test("of new media times is not shown before those of the old that still wait", () => {
    const playout = new Playout();
    for (let n = 0; n < 100; n++) playout.due(n * FRAME, n * FRAME + (n % 2) * 60);
    const waits = playout.due(100 * FRAME, 100 * FRAME);
    expect(waits).toBeGreaterThan(100 * FRAME + 40);
    expect(playout.due(0, 100 * FRAME + 1)).toBe(waits);
  });

  test("that was very late once does not delay the others for long", () => {
    const delays = waits(600, (n) => (n === 100 ? 790 : 0));
    expect(delays[101]).toBeLessThanOrEqual(300);
    expect(delays[400]).toBeLessThan(100);
  });

  test("waits no longer than the limit, however uneven the network is", () => {
    const inBursts = (n: number) => (Math.ceil((n + 1) / 21) * 21 - n) * FRAME;
    const delays = waits(800, inBursts);
    expect(Math.max(...delays)).toBeGreaterThan(200);
    expect(Math.max(...delays)).toBeLessThanOrEqual(300);
  });
});

test("the delay falls again when the network has calmed down", () => {
  const delays = waits(1500, (n) => (n < 300 ? (n % 2) * 30 : 0));
  expect(delays[298]).toBeGreaterThan(25);
  expect(delays[1499]).toBeLessThan(2);
});

test("clocks that drift apart do not add up", () => {
  const faster = waits(54_000, (n) => n * 0.01); // 0.3 ms a second for half an hour
  expect(Math.max(...faster)).toBeLessThan(1);
  const slower = waits(54_000, (n) => 600 - n * 0.01);
  expect(Math.max(...slower)).toBeLessThan(1);
});
