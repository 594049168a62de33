import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { InputWatch } from "../../../../src/engine/source/input-watch.ts";
import type { PlainError } from "../../../../src/errors.ts";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

function watch() {
  const seen = { bytesIn: 0, framesIn: 0, framesDecoded: 0, explained: false };
  const reports: (PlainError | null)[] = [];
  const watching = new InputWatch({
    bytesIn: () => seen.bytesIn,
    framesIn: () => seen.framesIn,
    framesDecoded: () => seen.framesDecoded,
    isExplained: () => seen.explained,
    report: (error) => reports.push(error),
  });
  return { seen, reports, watching };
}

test("bytes without a picture are reported once, and so is a picture that comes later", () => {
  const { seen, reports, watching } = watch();
  seen.bytesIn = 4000;
  jest.advanceTimersByTime(5000);
  seen.bytesIn = 8000;
  jest.advanceTimersByTime(20_000);
  expect(reports).toEqual([
    {
      kind: "unsupported_media",
      message: expect.stringMatching(/^input .*4000 bytes and no/),
      details: [{ field: "input", problem: expect.stringContaining("4000 bytes") }],
    },
  ]);
  seen.framesDecoded = 1;
  jest.advanceTimersByTime(5000);
  expect(reports[1]).toBeNull();
  jest.advanceTimersByTime(60_000);
  expect(reports.length).toBe(2);
  watching[Symbol.dispose]();
});

test("frames that cannot be decoded are counted in the report", () => {
  const { seen, reports, watching } = watch();
  Object.assign(seen, { bytesIn: 4000, framesIn: 90 });
  jest.advanceTimersByTime(5000);
  expect(reports[0]?.message).toStartWith("input has brought 90 frames and");
  watching[Symbol.dispose]();
});

test("nothing is reported of a silent input, nor of one that shows pictures", () => {
  const { seen, reports, watching } = watch();
  jest.advanceTimersByTime(60_000);
  Object.assign(seen, { bytesIn: 4000, framesIn: 5, framesDecoded: 5 });
  jest.advanceTimersByTime(60_000);
  expect(reports).toEqual([]);
  watching[Symbol.dispose]();
});

test("an input that turns to garbage after its first picture is reported, and recovers each time", () => {
  const { seen, reports, watching } = watch();
  for (let round = 1; round <= 2; round++) {
    seen.framesDecoded++;
    jest.advanceTimersByTime(1000);
    for (let second = 0; second < 8; second++) {
      seen.bytesIn += 100;
      seen.framesIn += 2;
      jest.advanceTimersByTime(1000);
    }
    expect(reports.at(-1)?.message).toContain("10 frames since its last picture and none");
    seen.framesDecoded++;
    jest.advanceTimersByTime(1000);
    expect(reports.length).toBe(2 * round);
    expect(reports.at(-1)).toBeNull();
  }
  watching[Symbol.dispose]();
});

test("an input that pauses after a picture is not reported", () => {
  const { seen, reports, watching } = watch();
  Object.assign(seen, { bytesIn: 4000, framesIn: 5, framesDecoded: 5 });
  jest.advanceTimersByTime(1000);
  seen.bytesIn = 5000; // the rest of a segment, which completes no picture
  jest.advanceTimersByTime(60_000);
  expect(reports).toEqual([]);
  watching[Symbol.dispose]();
});

test("what the demuxer has explained is not reported again", () => {
  const { seen, reports, watching } = watch();
  Object.assign(seen, { bytesIn: 4000, explained: true });
  jest.advanceTimersByTime(20_000);
  expect(reports).toEqual([]);
  seen.explained = false;
  jest.advanceTimersByTime(1000);
  expect(reports.length).toBe(1);
  watching[Symbol.dispose]();
});

test("after its stream it says nothing", () => {
  const { seen, reports, watching } = watch();
  watching[Symbol.dispose]();
  seen.bytesIn = 4000;
  jest.advanceTimersByTime(60_000);
  expect(reports).toEqual([]);
});
