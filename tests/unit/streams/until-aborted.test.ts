import { expect, test } from "bun:test";
import { untilAborted } from "../../../src/streams/until-aborted.ts";

const never = new Promise<number>(() => {});

test("gives what the work gives, also its failure", async () => {
  const { signal } = new AbortController();
  expect(await untilAborted(Promise.resolve(7), signal)).toBe(7);
  await expect(untilAborted(Promise.reject(new Error("no")), signal)).rejects.toThrow("no");
});

test("gives null when the signal aborts, or has", async () => {
  const stop = new AbortController();
  const waited = untilAborted(never, stop.signal);
  stop.abort();
  expect(await waited).toBeNull();
  expect(await untilAborted(Promise.resolve(7), stop.signal)).toBeNull();
});
