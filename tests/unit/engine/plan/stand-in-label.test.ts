import { expect, test } from "bun:test";
import { LoadTimes } from "../../../../src/engine/device/load-times.ts";
import { loadingLabel } from "../../../../src/engine/plan/stand-in-label.ts";

const MIB = 1024 * 1024;
const model = (name: string, bytes: number) => ({ name, bytes });

const shareAt = (elapsedMs: number, expectedMs: number): number => {
  const { bar } = loadingLabel({ model: "m", since: 1000, expectedMs }, 1000 + elapsedMs);
  return bar && "share" in bar ? bar.share : Number.NaN;
};

test("the bar keeps pace with the time expected, and never says done while it is not", () => {
  expect(shareAt(0, 4000)).toBe(0);
  expect(shareAt(2000, 4000)).toBe(0.5);
  let before = 0;
  for (let elapsed = 0; elapsed < 12_000; elapsed += 100) {
    const share = shareAt(elapsed, 4000);
    expect(share).toBeGreaterThanOrEqual(before);
    expect(share).toBeLessThan(1);
    before = share;
  }
});

test("where no time is expected the bar says so, and seconds are counted all the same", () => {
  const label = loadingLabel({ model: "m", since: 1000, expectedMs: null }, 4100);
  expect(label).toEqual({
    wordings: ["loading m · 3 s", "loading · 3 s", "loading"],
    bar: { runningFor: 3.1 },
  });
});

test("a long name is cut, so that the seconds stay in sight", () => {
  const { wordings } = loadingLabel({ model: "x".repeat(64), since: 0, expectedMs: null }, 0);
  expect(wordings[0]).toBe(`loading ${"x".repeat(27)}… · 0 s`);
});

test("a small model's first load is unknown, its second takes as long as its first", () => {
  const times = new LoadTimes("cpu");
  expect(times.expected(model("small", 100))).toBeNull();
  times.learn(model("small", 100), 700);
  expect(times.expected(model("small", 100))).toBe(700);
  expect(times.expected(model("other", 100))).toBeNull();
});

test("a large model's first load is estimated by its size, better once another was measured", () => {
  const times = new LoadTimes("cpu");
  const guess = times.expected(model("large", 16 * MIB)) ?? 0;
  expect(guess).toBeGreaterThan(0);
  times.learn(model("large", 16 * MIB), 800);
  expect(times.expected(model("twice", 32 * MIB))).toBe(1600);
});

test("an engine of TensorRT is built first: size says nothing", () => {
  expect(new LoadTimes("tensorrt:0").expected(model("large", 16 * MIB))).toBeNull();
});
