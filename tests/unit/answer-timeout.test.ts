import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { answerTimeout } from "../../src/answer-timeout.ts";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test("an answer that does not come in time is given up with a reason that says so", () => {
  using late = answerTimeout(2000);
  jest.advanceTimersByTime(1999);
  expect(late.signal.aborted).toBe(false);
  jest.advanceTimersByTime(1);
  expect(late.signal.reason).toMatchObject({
    name: "TimeoutError",
    message: "it did not answer within 2 s",
  });
});

test("once the answer has come, no timer is left", () => {
  const before = jest.getTimerCount();
  const late = answerTimeout(2000);
  expect(jest.getTimerCount()).toBe(before + 1);
  late[Symbol.dispose]();
  expect(jest.getTimerCount()).toBe(before);
  jest.advanceTimersByTime(5000);
  expect(late.signal.aborted).toBe(false);
});
