import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { type DataReport, MAX_DATA_BYTES } from "../../../../src/engine/protocol/messages.ts";
import { type DataEvent, DataOutput } from "../../../../src/server/streams/data-output.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const report = (n: number): DataReport => ({
  type: "data",
  id: "secret",
  seconds: n,
  model: "painter",
  values: { n: [n] },
});

/** An output and what it has passed on. */
function output() {
  const passed: DataEvent[] = [];
  const data = new DataOutput("s", (event) => void passed.push(event));
  return { data, passed, read: () => passed.map(({ seconds, dropped }) => ({ seconds, dropped })) };
}

const PATIENCE_MS = 10_000;

test("reports at 30 a second pass one by one, without the stream's id", () => {
  const { data, passed } = output();
  for (let n = 0; n < 5; n++) {
    data.publish(report(n));
    jest.advanceTimersByTime(34);
  }
  expect(passed.map(({ seconds }) => seconds)).toEqual([0, 1, 2, 3, 4]);
  expect(passed[0]).toEqual({
    type: "data",
    seconds: 0,
    model: "painter",
    values: { n: [0] },
    timestamp: expect.any(Number),
    dropped: 0,
  });
});

test("the frames of a segment may come at once: two seconds of them pass, each to every reader", async () => {
  const { data, read } = output();
  const reader = data.open();
  for (let n = 0; n < 60; n++) data.publish(report(n));
  expect(read()).toEqual(Array.from({ length: 60 }, (_, n) => ({ seconds: n, dropped: 0 })));
  for (let n = 0; n < 60; n++)
    expect(await reader.read(PATIENCE_MS)).toMatchObject({ seconds: n, dropped: 0 });
});

test("of faster reports 30 a second pass in the long run", () => {
  const { data, passed } = output();
  for (let n = 0; n < 10_000; n++) {
    data.publish(report(n));
    jest.advanceTimersByTime(1);
  }
  // Ten seconds, and the burst at their beginning.
  expect(passed.length).toBeGreaterThanOrEqual(355);
  expect(passed.length).toBeLessThanOrEqual(361);
  const got = passed.reduce((sum, { dropped }) => sum + dropped + 1, 0);
  expect(got).toBe((passed.at(-1)?.seconds ?? 0) + 1);
});

test("beyond a burst the newest passes when its turn comes, with the number of those before it", () => {
  const { data, read } = output();
  for (let n = 0; n < 64; n++) data.publish(report(n));
  expect(read()).toHaveLength(60);
  jest.advanceTimersByTime(34);
  expect(read().slice(60)).toEqual([{ seconds: 63, dropped: 3 }]);
});

test("at the end what waits still passes, and nothing after it", () => {
  const { data, read } = output();
  for (let n = 0; n < 61; n++) data.publish(report(n));
  expect(read()).toHaveLength(60);
  data.close();
  data.publish(report(61));
  jest.advanceTimersByTime(1000);
  expect(read().at(-1)).toEqual({ seconds: 60, dropped: 0 });
});

test("a report that is too long is dropped and counted", () => {
  const { data, read } = output();
  const long = "x".repeat(MAX_DATA_BYTES);
  data.publish({ ...report(0), values: { text: { long } } });
  jest.advanceTimersByTime(34);
  data.publish(report(1));
  expect(read()).toEqual([{ seconds: 1, dropped: 1 }]);
});

test("a slow reader misses the oldest, and learns how many; a fast one misses none", async () => {
  const { data } = output();
  const [slow, fast] = [data.open(), data.open()];
  for (let n = 0; n < 70; n++) {
    data.publish(report(n));
    expect(await fast.read(PATIENCE_MS)).toMatchObject({ seconds: n, dropped: 0 });
    jest.advanceTimersByTime(34);
  }
  expect(await slow.read(PATIENCE_MS)).toMatchObject({ seconds: 10, dropped: 10 });
  for (let n = 11; n < 70; n++)
    expect(await slow.read(PATIENCE_MS)).toMatchObject({ seconds: n, dropped: 0 });
  data.publish(report(70));
  expect(await slow.read(PATIENCE_MS)).toMatchObject({ seconds: 70, dropped: 0 });
});

test("a reader that waits gets the next report, or nothing when its patience ends", async () => {
  const { data } = output();
  const reader = data.open();
  const next = reader.read(PATIENCE_MS);
  data.publish(report(0));
  expect(await next).toMatchObject({ seconds: 0 });
  const nothing = reader.read(PATIENCE_MS);
  jest.advanceTimersByTime(PATIENCE_MS);
  expect(await nothing).toBe("nothing");
});

test("at the end readers get what waits, then the end", async () => {
  const { data } = output();
  const [has, waits] = [data.open(), data.open()];
  data.publish(report(0));
  await waits.read(PATIENCE_MS);
  const waiting = waits.read(PATIENCE_MS);
  data.close();
  expect(await waiting).toBe("end");
  expect(await has.read(PATIENCE_MS)).toMatchObject({ seconds: 0 });
  expect(await has.read(PATIENCE_MS)).toBe("end");
  expect(await data.open().read(PATIENCE_MS)).toBe("end");
});

test("a stream has at most eight readers; one that leaves makes room", () => {
  const { data } = output();
  const readers = Array.from({ length: 8 }, () => data.open());
  expect(() => data.open()).toThrow("8 readers already");
  readers[0]?.[Symbol.dispose]();
  data.open();
});

test("a report that JSON cannot hold is dropped and counted, whether it comes at once or waits", () => {
  const { data, read } = output();
  for (let n = 0; n < 61; n++) data.publish({ ...report(n), values: { n: { x: 10n } } });
  jest.advanceTimersByTime(1000);
  data.publish(report(61));
  expect(read()).toEqual([{ seconds: 61, dropped: 61 }]);
  data.publish({ ...report(62), values: { n: { x: 10n } } });
  data.close();
});
