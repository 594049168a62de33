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
  const seen = { bytesIn: 0, framesIn: 0, framesOut: 0 };
  const reports: (PlainError | null)[] = [];
  const watching = new InputWatch({
    field: "subscribe_url",
    bytesIn: () => seen.bytesIn,
    framesIn: () => seen.framesIn,
    framesOut: () => seen.framesOut,
    report: (error) => reports.push(error),
  });
  return { seen, reports, watching };
}

test("bytes without a picture are told once, and a picture that comes after all", () => {
  const { seen, reports, watching } = watch();
  seen.bytesIn = 4000;
  jest.advanceTimersByTime(5000);
  seen.bytesIn = 8000;
  jest.advanceTimersByTime(20_000);
  expect(reports).toEqual([
    {
      kind: "unsupported_media",
      message: expect.stringMatching(/^subscribe_url .*4000 bytes and no/),
    },
  ]);
  seen.framesOut = 1;
  jest.advanceTimersByTime(5000);
  expect(reports[1]).toBeNull();
  jest.advanceTimersByTime(60_000);
  expect(reports.length).toBe(2);
  watching[Symbol.dispose]();
});

test("frames that cannot be shown are counted in what is told", () => {
  const { seen, reports, watching } = watch();
  Object.assign(seen, { bytesIn: 4000, framesIn: 90 });
  jest.advanceTimersByTime(5000);
  expect(reports[0]?.message).toStartWith("subscribe_url has brought 90 frames and");
  watching[Symbol.dispose]();
});

test("a quiet input, and one that shows, are left alone", () => {
  const { seen, reports, watching } = watch();
  jest.advanceTimersByTime(60_000);
  Object.assign(seen, { bytesIn: 4000, framesIn: 5, framesOut: 5 });
  jest.advanceTimersByTime(60_000);
  expect(reports).toEqual([]);
  watching[Symbol.dispose]();
});

test("after its stream it says nothing", () => {
  const { seen, reports, watching } = watch();
  watching[Symbol.dispose]();
  seen.bytesIn = 4000;
  jest.advanceTimersByTime(60_000);
  expect(reports).toEqual([]);
});
