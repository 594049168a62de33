import { expect, test } from "bun:test";
import { Companions } from "../../../../src/engine/device/companions.ts";
import { RunDurations } from "../../../../src/engine/device/run-durations.ts";

const runner = {};

/** A runner that takes `fixed` ms and `each` for every item; stream b comes back 3 ms after its run has ended. */
function known({ fixed = 30, each = 2, gapMs = 3 }) {
  const durations = new RunDurations();
  for (const items of [1, 4]) durations.learn(runner, items, fixed + each * items);
  const companions = new Companions(durations);
  companions.left(runner, "b", "key", 0);
  companions.returned(runner, "b", gapMs);
  companions.left(runner, "b", "key", 100);
  /** How long a batch of stream a would wait at this time after b's run. */
  const waitAt = (
    since: number,
    ready: { key?: string; room?: number; streams?: string[] } = {},
  ) => {
    const now = 100 + since;
    const batch = { runner, key: "key", streams: ["a"], room: 3, ...ready };
    return companions.waitUntil(batch, now) - now;
  };
  return { companions, waitAt };
}

test("a batch waits for a stream that should be back soon, a little longer than it last took", () => {
  const { waitAt } = known({ gapMs: 4 });
  expect(waitAt(0)).toBe(6);
  expect(waitAt(5)).toBe(1);
  expect(waitAt(7)).toBe(0);
});

test("a batch does not wait for longer than a third of what one run for all saves", () => {
  expect(known({ fixed: 30, gapMs: 9 }).waitAt(0)).toBeGreaterThan(0);
  expect(known({ fixed: 30, gapMs: 11 }).waitAt(0)).toBe(0);
  expect(known({ fixed: 0, gapMs: 1 }).waitAt(0)).toBe(0);
});

test("a batch waits for nobody who is in it, has another key, finds no room, or has not come back before", () => {
  const { companions, waitAt } = known({});
  expect(waitAt(0)).toBeGreaterThan(0);
  expect(waitAt(0, { streams: ["a", "b"] })).toBe(0);
  expect(waitAt(0, { key: "other" })).toBe(0);
  expect(waitAt(0, { room: 0 })).toBe(0);
  companions.left(runner, "c", "new", 100);
  expect(waitAt(0, { key: "new" })).toBe(0);
});

test("a batch waits for the last of those who find room", () => {
  const { companions, waitAt } = known({ gapMs: 4 });
  companions.left(runner, "c", "key", 0);
  companions.returned(runner, "c", 8);
  companions.left(runner, "c", "key", 100);
  expect(waitAt(0, { room: 1 })).toBe(6);
  expect(waitAt(0, { room: 2 })).toBe(11);
});

/** The stream comes back so long after its run. */
function comeBack(companions: Companions, gaps: readonly number[]): void {
  for (const gapMs of gaps) {
    companions.left(runner, "b", "key", 100 - gapMs);
    companions.returned(runner, "b", 100);
  }
  companions.left(runner, "b", "key", 100);
}

test("a stream that stood still once is waited for again at once", () => {
  const { companions, waitAt } = known({ gapMs: 3 });
  comeBack(companions, [400, 3]);
  expect(waitAt(0)).toBeGreaterThan(0);
});

test("a stream that is late every other time is waited for no longer until it has come in time again and again", () => {
  const { companions, waitAt } = known({ gapMs: 3 });
  comeBack(companions, [20, 3, 20, 3, 20, 3]);
  expect(waitAt(0)).toBe(0);
  comeBack(companions, [3, 3, 3, 3, 3]);
  expect(waitAt(0)).toBeGreaterThan(0);
});
