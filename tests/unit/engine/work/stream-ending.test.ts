import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { StreamEnding } from "../../../../src/engine/work/stream-ending.ts";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const never = new Promise<never>(() => {});

test("a stream that is asked to end is cut off 3 s later, and is waited for 0.5 s more", async () => {
  const ending = new StreamEnding();
  let isOver = false;
  const over = ending.waitFor(never).then(() => {
    isOver = true;
  });
  ending.requestStop();
  expect(ending.stopSignal.aborted).toBe(true);
  jest.advanceTimersByTime(2999);
  expect(ending.abortSignal.aborted).toBe(false);
  jest.advanceTimersByTime(1);
  expect(ending.abortSignal.reason).toMatchObject({ kind: "timeout" });
  for (let tick = 0; tick < 10; tick++) await Promise.resolve();
  expect(isOver).toBe(false);
  jest.advanceTimersByTime(500);
  await over;
});

test("a stream that has ended is not cut off any more, and holds no timer", async () => {
  const ending = new StreamEnding();
  ending.requestStop();
  await ending.stopRequested();
  await ending.waitFor(Promise.resolve());
  ending.abort();
  expect(jest.getTimerCount()).toBe(0);
  expect(ending.abortSignal.reason).toMatchObject({ name: "AbortError" });
});

test("what the stream fails with comes through", async () => {
  const ending = new StreamEnding();
  await expect(ending.waitFor(Promise.reject(new Error("it is gone")))).rejects.toThrow(
    "it is gone",
  );
});
