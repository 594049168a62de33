/** Tests that the simulated gateway's watchdogs fire when a real gateway's would, and only then. */
import { expect, test } from "bun:test";
import { STATUS_WIPE_MS, StatusStore } from "../../support/gateway-status.ts";
import { type ChannelRole, Watchdogs } from "../../support/gateway-watchdogs.ts";

const SECOND = 1000;
const ALL: readonly ChannelRole[] = ["input", "output", "control", "events", "data"];
const fired = ({ firings }: Watchdogs) => firings.map(({ watchdog, at }) => [watchdog, at]);

/** Every second from `from` on, before `to`. */
function seconds(from: number, to: number, each: (now: number) => void): void {
  for (let now = from; now < to; now += SECOND) each(now);
}

test("a stream with everything in time fires nothing in an hour", () => {
  const dogs = new Watchdogs(ALL, 0);
  seconds(0, 3600 * SECOND, (now) => {
    for (const role of ALL) dogs.wrote(role, now);
    dogs.reading(now);
    if (now % (10 * SECOND) === 0) dogs.event(now);
  });
  expect(dogs.firings).toEqual([]);
  expect(dogs.longestEventGapMs).toBe(10 * SECOND);
  expect(dogs.longestOutputGapMs).toBe(SECOND);
});

test("no output for 30 s while input flows fires, and again after 30 s more", () => {
  const dogs = new Watchdogs(["input", "output"], 0);
  seconds(0, 70 * SECOND, (now) => {
    dogs.wrote("input", now);
    dogs.event(now);
  });
  expect(fired(dogs)).toEqual([
    ["egress", 30 * SECOND],
    ["egress", 60 * SECOND],
  ]);
});

test("missing output is fine without input for 15 s, and without an output channel", () => {
  const paused = new Watchdogs(["input", "output"], 0);
  paused.wrote("input", 15 * SECOND);
  seconds(0, 100 * SECOND, (now) => paused.event(now));
  expect(paused.firings).toEqual([]);
  const recent = new Watchdogs(["input", "output"], 0);
  recent.wrote("input", 15 * SECOND + 1);
  seconds(16 * SECOND, 31 * SECOND, (now) => recent.event(now));
  expect(fired(recent)).toEqual([["egress", 30 * SECOND]]);
  const silent = new Watchdogs(["input"], 0);
  seconds(0, 100 * SECOND, (now) => {
    silent.wrote("input", now);
    silent.event(now);
  });
  expect(silent.firings).toEqual([]);
});

test("input that resumes at a tick fires unless a segment has been read since", () => {
  const late = new Watchdogs(["input", "output"], 0);
  seconds(0, 60 * SECOND, (now) => late.event(now));
  late.wrote("input", 59.5 * SECOND);
  late.advance(60 * SECOND);
  expect(fired(late)).toEqual([["egress", 60 * SECOND]]);
  const inTime = new Watchdogs(["input", "output"], 0);
  seconds(0, 59 * SECOND, (now) => inTime.event(now));
  inTime.wrote("input", 59.5 * SECOND);
  inTime.reading(59.6 * SECOND);
  inTime.advance(60 * SECOND);
  expect(inTime.firings).toEqual([]);
});

test("events are checked every 10 s and may be silent for 30 s", () => {
  const dogs = new Watchdogs(["events"], 0);
  dogs.event(10 * SECOND);
  dogs.advance(40 * SECOND);
  expect(dogs.firings).toEqual([]);
  dogs.advance(50 * SECOND);
  expect(fired(dogs)).toEqual([["events", 50 * SECOND]]);
  expect(dogs.longestEventGapMs).toBe(40 * SECOND);
});

test("a channel without a first byte for five minutes is swept within the next, once", () => {
  const dogs = new Watchdogs(["data", "control"], 0);
  seconds(0, 900 * SECOND, (now) => {
    dogs.event(now);
    dogs.wrote("control", now);
    if (now === 90 * SECOND) dogs.wrote("data", now);
  });
  expect(fired(dogs)).toEqual([["idle", 420 * SECOND]]);
});

test("a segment that starts while three uploads are unfinished fires", () => {
  const dogs = new Watchdogs(["input"], 0);
  dogs.uploading(2, SECOND);
  expect(dogs.firings).toEqual([]);
  dogs.uploading(3, 2 * SECOND);
  expect(fired(dogs)).toEqual([["slow_upload", 2 * SECOND]]);
});

test("the status is that of the latest event, cleared once after a minute and restored by the next", () => {
  const store = new StatusStore({ orchestrator: "one" }, 0);
  expect(store.at(0)).toEqual({ orchestrator: "one" });
  store.take({ type: "status", inference_status: { fps: 1, last_params: { a: 1 } } }, SECOND);
  store.take({ type: "status", inference_status: { fps: 2, last_params: null } }, 2 * SECOND);
  expect(store.at(3 * SECOND)).toEqual({
    type: "status",
    inference_status: { fps: 2, last_params: { a: 1 } },
  });
  expect(store.at(STATUS_WIPE_MS)).toBeNull();
  store.take({ type: "status" }, STATUS_WIPE_MS + 7 * SECOND);
  expect(store.at(STATUS_WIPE_MS + 60 * SECOND)).toEqual({ type: "status" });
  expect(store.longestMissingMs).toBe(7 * SECOND);
});
