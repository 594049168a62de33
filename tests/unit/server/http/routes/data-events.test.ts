import { afterEach, expect, jest, test } from "bun:test";
import { dataEvents } from "../../../../../src/server/http/routes/data-events.ts";
import { DataOutput } from "../../../../../src/server/streams/data-output.ts";

afterEach(() => void jest.useRealTimers());

const report = { type: "data", id: "secret", seconds: 1, model: "m", values: { n: [1] } } as const;

/** A response, and a function that reads its next chunk. */
function events(signal = new AbortController().signal) {
  const data = new DataOutput("s", () => {});
  const response = dataEvents(data.open(), signal);
  const reader = response.body?.getReader();
  const next = async () => {
    const { value, done } = (await reader?.read()) ?? { done: true };
    return done ? null : new TextDecoder().decode(value);
  };
  return { data, response, next, reader };
}

/** A stream has eight readers at most: with room for eight more, none is left. */
function expectNoReaders(data: DataOutput): void {
  for (let n = 0; n < 8; n++) data.open();
}

test("a comment comes at once, then an event for each report, then the end", async () => {
  const { data, response, next } = events();
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  expect(await next()).toBe(": waiting for data\n\n");
  data.publish(report);
  const event = (await next()) ?? "";
  expect(event).toMatch(/^data: .*\n\n$/);
  const { timestamp, ...rest } = JSON.parse(event.slice(6));
  expect(rest).toEqual({ type: "data", seconds: 1, model: "m", values: { n: [1] }, dropped: 0 });
  data.close();
  expect(await next()).toBeNull();
});

test("comments fill the silence", async () => {
  jest.useFakeTimers();
  const { next } = events();
  await next();
  const comment = next();
  jest.advanceTimersByTime(10_000);
  expect(await comment).toBe(": waiting for data\n\n");
});

test("a caller that leaves makes room for another one, whether it was reading or not", async () => {
  const leaving = new AbortController();
  const aborted = events(leaving.signal);
  leaving.abort();
  expectNoReaders(aborted.data);

  const cancelled = events();
  await cancelled.next();
  const pending = cancelled.next();
  await cancelled.reader?.cancel();
  expect(await pending).toBeNull();
  expectNoReaders(cancelled.data);
});
