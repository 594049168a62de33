import { expect, test } from "bun:test";
import type { Frame } from "../../../../src/engine/codec/libav.ts";
import { Bypass } from "../../../../src/engine/plan/bypass.ts";
import type { StreamParams } from "../../../../src/engine/protocol/work.ts";
import { type Ticks, ticks } from "../../../../src/media/time.ts";

const LIVE: StreamParams = {
  prompts: [],
  model: "m",
  fit: "cover",
  paused: false,
  model_params: {},
  fallback: "default",
};
const PAUSED = { ...LIVE, paused: true };
const { fallback: _, ...BARE } = LIVE;
const WAITS = { waits: true };
const MOVES = { waits: false };
/** Streams stall as soon as a frame waits, or never. */
const AT_ONCE = { stallMs: 0, firstMs: 0 };
const NEVER = { stallMs: 1e9, firstMs: 1e9 };

/** A late picture of the frame at this time, and how often it was freed. */
function late(pts: Ticks) {
  const freed: number[] = [];
  // A frame that only records its end: nothing of it is looked at.
  const frame = { free: () => void freed.push(pts) } as Partial<Frame> as Frame;
  return { picture: { frame, pts, arrivedAt: 0 }, freed };
}

test("a stream without a fallback never lets frames pass", () => {
  const bypass = new Bypass(AT_ONCE);
  for (const params of [BARE, { ...BARE, paused: true }]) {
    for (const waits of [WAITS, MOVES]) expect(bypass.isOpen(params, waits)).toBe(false);
  }
});

test("a paused stream lets all frames pass, another one those that wait too long", () => {
  expect(new Bypass(NEVER).isOpen(PAUSED, MOVES)).toBe(true);
  expect(new Bypass(NEVER).isOpen(LIVE, MOVES)).toBe(false);
  const bypass = new Bypass(AT_ONCE);
  expect(bypass.isOpen(LIVE, MOVES)).toBe(false);
  expect(bypass.isOpen(LIVE, WAITS)).toBe(true);
});

test("a stalled stream is stalled until a model answers, also while nothing waits", () => {
  const bypass = new Bypass(AT_ONCE);
  bypass.isOpen(LIVE, WAITS);
  bypass.pass(ticks(5), LIVE);
  expect(bypass.isOpen(LIVE, MOVES)).toBe(true);
  const { picture } = late(ticks(3));
  bypass.answered(picture);
  expect(bypass.isOpen(LIVE, MOVES)).toBe(false);
  expect(bypass.takeLate(MOVES)).toBe(picture);
  expect(bypass.takeLate(MOVES)).toBeNull();
});

test("frames up to the last one that passed are passed by", () => {
  const bypass = new Bypass();
  expect(bypass.hasPassed(ticks(0))).toBe(false);
  bypass.pass(ticks(5), LIVE);
  expect([4, 5, 6].map((pts) => bypass.hasPassed(ticks(pts)))).toEqual([true, true, false]);
});

test("late pictures that are older than what was drawn, or than a pause, are freed", () => {
  const bypass = new Bypass();
  bypass.cameOut(ticks(4));
  const older = late(ticks(3));
  bypass.answered(older.picture);
  expect(bypass.takeLate(MOVES)).toBeNull();
  expect(older.freed).toEqual([3]);

  const first = late(ticks(5));
  const second = late(ticks(6));
  for (const { picture } of [first, second]) bypass.answered(picture);
  expect([first.freed, second.freed]).toEqual([[5], []]);
  bypass.pass(ticks(9), PAUSED);
  expect(bypass.takeLate(MOVES)).toBeNull();
  expect(second.freed).toEqual([6]);
  const asked = late(ticks(8));
  bypass.answered(asked.picture);
  expect(asked.freed).toEqual([8]);
  const after = late(ticks(10));
  bypass.answered(after.picture);
  bypass[Symbol.dispose]();
  expect(after.freed).toEqual([10]);
});

test("a late picture does not overtake a frame that waits for its own, and is dropped once that is out", () => {
  const bypass = new Bypass();
  bypass.pass(ticks(5), LIVE);
  const { picture, freed } = late(ticks(4));
  bypass.answered(picture);
  expect(bypass.takeLate(WAITS)).toBeNull();
  expect(freed).toEqual([]);
  bypass.cameOut(ticks(6));
  expect(freed).toEqual([4]);
  expect(bypass.takeLate(MOVES)).toBeNull();
});

test("a wait ends with its work, with the stall, or with a pause", async () => {
  const endless = new Promise<void>(() => {});
  await new Bypass(NEVER).wait(Promise.resolve(), LIVE);
  await new Bypass(AT_ONCE).wait(endless, LIVE);
  const bypass = new Bypass(NEVER);
  const waiting = bypass.wait(endless, LIVE);
  bypass.paused();
  await waiting;
  await expect(bypass.wait(Promise.reject(new Error("broken")), LIVE)).rejects.toThrow("broken");
});
