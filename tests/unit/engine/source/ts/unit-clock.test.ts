import { describe, expect, test } from "bun:test";
import type { AccessUnit } from "../../../../../src/engine/source/ts/access-unit-assembler.ts";
import type { Stamp } from "../../../../../src/engine/source/ts/pes-assembler.ts";
import { UnitClock } from "../../../../../src/engine/source/ts/unit-clock.ts";
import { type Ticks, ticks } from "../../../../../src/media/time.ts";

const FRAME = 3600;
/** Two B-frames between references: the place in presentation order of each picture in decode order. */
const REORDERED = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 12, 10, 11];
const IN_ORDER = Array.from({ length: 13 }, (_, index) => index);

interface Options {
  /** Which units of a stream have timestamps, by their place in decode order. */
  readonly stamped: (index: number) => boolean;
  readonly shown?: readonly number[];
  /** Senders that give no decoding timestamps repeat the presentation timestamp. */
  readonly dts?: "own" | "pts";
  /** Pictures between resets of the order count. */
  readonly gop?: number;
  readonly hasOrder?: boolean;
  readonly frameDuration?: Ticks;
  readonly orderStep?: number;
  /** Milliseconds between arrivals. */
  readonly pace?: number;
}

function run(options: Options) {
  const { stamped, shown = IN_ORDER, dts = "own", gop = 1000, hasOrder = true } = options;
  const { frameDuration = null, orderStep = 2, pace = 40 } = options;
  const clock = new UnitClock({ frameDuration, orderStep: 2 });
  const delay = Math.max(...shown.map((place, index) => index - place));
  const units = shown.map((place, index): AccessUnit => {
    const reset = index % gop === 0;
    const pts = ticks(90_000 + (place + delay) * FRAME);
    const stamp: Stamp = { pts, dts: dts === "own" ? ticks(90_000 + index * FRAME) : pts };
    const order = (((place - (index - (index % gop))) * orderStep) % 32) >>> 0;
    return {
      data: new Uint8Array(1),
      stamp: stamped(index) ? stamp : null,
      keyFrame: reset,
      arrivedAt: index * pace,
      slice: {
        first: true,
        randomAccess: reset,
        intra: reset,
        resetsOrder: reset,
        order: hasOrder ? order & 31 : null,
        orderBits: 5,
        field: null,
        picture: null,
        frame: -1,
      },
    };
  });
  const waits: number[] = [];
  const timed = units.flatMap((unit) => {
    const found = clock.push(unit);
    waits.push(found.length);
    return found;
  });
  timed.push(...clock.flush());
  expect(timed.map(({ unit }) => unit)).toEqual(units);
  const first = timed[0]?.pts ?? 0;
  return {
    waits,
    /** Presentation times in frames after the first one, in decode order. */
    places: timed.map(({ pts }) => Math.round(((pts - first) / FRAME) * 1000) / 1000),
    rises: timed.every(({ dts }, index) => index === 0 || dts > (timed[index - 1]?.dts ?? 0)),
    gaps: new Set(timed.slice(1).map(({ dts }, index) => dts - (timed[index]?.dts ?? 0))),
  };
}

describe("pictures in the order they are decoded", () => {
  for (const every of [1, 2, 3, 5]) {
    test(`with a timestamp on one of ${every} are evenly spaced`, () => {
      for (const hasOrder of [true, false]) {
        const { places, gaps } = run({ stamped: (index) => index % every === 0, hasOrder });
        expect(places).toEqual(IN_ORDER);
        expect([...gaps]).toEqual([FRAME]);
      }
    });
  }

  test("with a timestamp a group of pictures are evenly spaced, whoever tells the frame's duration", () => {
    const shown = Array.from({ length: 40 }, (_, index) => index);
    const stamped = (index: number): boolean => index % 10 === 0;
    expect(run({ shown, stamped, gop: 10 }).places).toEqual(shown);
    const known = run({ shown, stamped, gop: 10, frameDuration: ticks(FRAME) });
    expect(known.places).toEqual(shown);
    expect(known.waits).toEqual([1, 0, 0, 0, 4, ...Array(35).fill(1)]);
  });

  test("that begin without a timestamp get theirs from the first one", () => {
    expect(run({ stamped: (index) => index === 3 || index === 5 }).places).toEqual(IN_ORDER);
    const known = run({ stamped: (index) => index === 4, frameDuration: ticks(FRAME) });
    expect(known.places).toEqual(IN_ORDER);
    expect(known.waits.slice(0, 6)).toEqual([0, 0, 0, 0, 5, 1]);
  });

  test("without any timestamp follow the pace of their arrival, or 25 a second", () => {
    const shown = Array.from({ length: 60 }, (_, index) => index);
    expect([...run({ shown, stamped: () => false, pace: 40.7 }).gaps]).toEqual([3600]);
    expect([...run({ shown, stamped: () => false, pace: 33.3 }).gaps]).toEqual([3000]);
    expect([...run({ shown, stamped: () => false, pace: 0 }).gaps]).toEqual([3600]);
  });

  test("are measured rather than timed by a stream that is wrong about itself", () => {
    const options = {
      stamped: (index: number) => index % 3 === 0,
      frameDuration: ticks(2 * FRAME),
    };
    expect(run(options).places).toEqual(IN_ORDER);
  });

  test("wait for a second timestamp only once", () => {
    const { waits } = run({ stamped: (index) => index % 2 === 0 });
    expect(waits.slice(0, 6)).toEqual([1, 0, 2, 1, 1, 1]);
  });
});

describe("reordered pictures", () => {
  for (const every of [1, 2, 3, 4]) {
    test(`with a timestamp on one of ${every} are shown in their order`, () => {
      const { places, rises } = run({ stamped: (index) => index % every === 0, shown: REORDERED });
      expect(places).toEqual(REORDERED);
      expect(rises).toBe(true);
    });
  }

  test("with a timestamp a group of pictures are shown in their order", () => {
    const group = [0, 3, 1, 2];
    const shown = Array.from(
      { length: 24 },
      (_, index) => index - (index % 4) + (group[index % 4] ?? 0),
    );
    const options = { shown, gop: 4, stamped: (index: number) => index % 4 === 0 };
    expect(run(options).places).toEqual(shown);
    expect(run({ ...options, stamped: (index) => index % 8 === 0 }).places).toEqual(shown);
  });

  test("without decoding timestamps have decoding times that rise", () => {
    const { places, rises } = run({ stamped: () => true, shown: REORDERED, dts: "pts" });
    expect(places).toEqual(REORDERED);
    expect(rises).toBe(true);
  });

  test("of an encoder that counts frames, not fields, are shown in their order", () => {
    const options = { stamped: (index: number) => index % 2 === 0, shown: REORDERED, orderStep: 1 };
    expect(run(options).places).toEqual(REORDERED);
  });
});
