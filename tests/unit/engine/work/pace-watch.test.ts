import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { PaceWatch } from "../../../../src/engine/work/pace-watch.ts";
import type { PlainError } from "../../../../src/errors.ts";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** Seconds of a stream: so many frames come, and so many of them are dropped. */
function watched() {
  const counts = { in: 0, dropped: 0 };
  const reports: (PlainError | null)[] = [];
  const watch = new PaceWatch({
    framesIn: () => counts.in,
    framesDropped: () => counts.dropped,
    message: () => "3 of 24 frames",
    report: (error) => reports.push(error),
  });
  const seconds = (count: number, came: number, lost: number): void => {
    for (let second = 0; second < count; second++) {
      counts.in += came;
      counts.dropped += lost;
      jest.advanceTimersByTime(1000);
    }
  };
  return { reports, seconds, watch };
}

test("a stream that loses most of its frames for five seconds says so, and when it keeps up again", () => {
  const { reports, seconds, watch } = watched();
  using _watch = watch;
  seconds(4, 24, 21);
  expect(reports).toEqual([]);
  seconds(10, 24, 21);
  expect(reports).toEqual([{ kind: "at_capacity", message: "3 of 24 frames" }]);
  seconds(4, 24, 0);
  expect(reports.length).toBe(1);
  seconds(10, 24, 0);
  expect(reports.slice(1)).toEqual([null]);
});

test("what draws the stream next is judged by itself", () => {
  const { reports, seconds, watch } = watched();
  using _watch = watch;
  seconds(4, 24, 21);
  watch.restart();
  seconds(4, 24, 21);
  expect(reports).toEqual([]);
  seconds(1, 24, 21);
  expect(reports).toHaveLength(1);
  watch.restart();
  expect(reports.slice(1)).toEqual([null]);
  seconds(4, 24, 21);
  expect(reports).toHaveLength(2);
  seconds(1, 24, 21);
  expect(reports).toHaveLength(3);
});

test("a hiccup, a pause of the input and a few drops say nothing", () => {
  const { reports, seconds, watch } = watched();
  using _watch = watch;
  for (let n = 0; n < 10; n++) {
    seconds(3, 24, 24);
    seconds(1, 24, 2);
    seconds(30, 0, 0);
  }
  seconds(60, 24, 8);
  expect(reports).toEqual([]);
});
