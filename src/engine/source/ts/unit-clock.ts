/** Gives every access unit its timestamps, from its PES or interpolated between its neighbours. */
import { TICKS_PER_SECOND, type Ticks, ticks } from "../../../media/time.ts";
import type { AccessUnit } from "./access-unit-assembler.ts";

/** An access unit with its times. */
export interface TimedUnit {
  readonly unit: AccessUnit;
  readonly pts: Ticks;
  readonly dts: Ticks;
  readonly arrivedAt: number;
}

/** What the stream says of its own timing. */
export interface StreamTiming {
  readonly frameDuration: Ticks | null;
  /** By how much `slice.order` rises from one frame to the next. */
  readonly orderStep: number;
}

/** A unit and its place, in decode order and in presentation order. */
interface Placed {
  readonly unit: AccessUnit;
  readonly index: number;
  /** Counts the resets of `order`. */
  readonly epoch: number;
  readonly order: number | null;
}

/** A unit whose times are known. */
interface Anchor extends Placed {
  readonly pts: Ticks;
  readonly dts: Ticks;
}

/** The stream's own timing information is often wrong: so many units wait for a second timestamp before it counts. */
const MIN_WAITING = 4;
/** So many units wait until two timestamps tell how long a frame lasts: two seconds at 25 frames a second. */
const MAX_WAITING = 50;
/** Assumed where nothing tells how long a frame lasts. */
const DEFAULT_DURATION = TICKS_PER_SECOND / 25;
/** Rates that are looked for where only the pace of arrival tells one. */
const COMMON_RATES = [24, 25, 30_000 / 1001, 30, 50, 60];
/** A decoding time further back is not a reordered picture but a clock that was set anew. */
const MAX_BACK_TICKS = TICKS_PER_SECOND;
/** Measured durations to take the median of: one lost picture does not count. */
const MEASURES = 3;

/**
 * Times without a PES timestamp are interpolated at the frame duration, from the nearest unit that has
 * one. Decoding times rise by one frame a unit. Presentation times follow the picture order count of the
 * slice headers; where that is not coded, pictures are shown in the order in which they are decoded. How
 * long a frame lasts is measured between two timestamps. Units wait for the second one, a few if the stream
 * itself says how long a frame lasts, more if it does not.
 */
export class UnitClock {
  readonly #timing: StreamTiming;
  #index = 0;
  #epoch = 0;
  #order: number | null = null;
  #step: number;
  /** The newest unit with a timestamp: the next one is measured against it. */
  #stamped: Anchor | null = null;
  /** What times are counted from: the newest unit with a timestamp, or the first of an epoch without one. */
  #anchor: Anchor | null = null;
  /** The decoding time of the last unit. */
  #lastDts: Ticks | null = null;
  /** The latest presentation time so far. */
  #highest = ticks(0);
  readonly #measured: number[] = [];
  /** Taken for a frame's duration while none has been measured. */
  #assumed: number | null = null;
  #waiting: Placed[] = [];

  /** `timing` is asked again for every unit. */
  constructor(timing: StreamTiming) {
    this.#timing = timing;
    this.#step = timing.orderStep;
  }

  /** The units whose times are known now, in decode order. */
  push(unit: AccessUnit): TimedUnit[] {
    const placed = this.#place(unit);
    const stamped = anchorOf(placed);
    if (stamped) {
      if (this.#stamped) this.#measure(this.#stamped, stamped);
      this.#stamped = stamped;
      if (this.#waiting.length === 0) return [this.#emit(stamped, unit.arrivedAt)];
    }
    this.#waiting.push(placed);
    return this.#isTimed || this.#waiting.length >= MAX_WAITING ? this.flush() : [];
  }

  /** Gives the units that wait the best times there are. */
  flush(): TimedUnit[] {
    const waiting = this.#waiting;
    if (waiting.length === 0) return [];
    this.#waiting = [];
    const now = waiting.at(-1)?.unit.arrivedAt ?? 0;
    this.#assumed ??= this.#timing.frameDuration ?? paceOf(waiting) ?? DEFAULT_DURATION;
    const duration = this.#measuredDuration ?? this.#assumed;
    const first = waiting.map(anchorOf).find((anchor) => anchor !== null);
    return waiting.map((placed) => {
      const near = this.#anchor ?? first ?? { ...placed, pts: ticks(0), dts: ticks(0) };
      return this.#emit(anchorOf(placed) ?? this.#timed(placed, near, duration), now);
    });
  }

  /** There is a time to count from, and something tells how long a frame lasts. */
  get #isTimed(): boolean {
    if (!this.#anchor && !this.#stamped) return false;
    if (this.#measured.length > 0 || this.#assumed !== null) return true;
    return this.#timing.frameDuration !== null && this.#waiting.length >= MIN_WAITING;
  }

  get #measuredDuration(): number | undefined {
    return this.#measured.toSorted((a, b) => a - b)[this.#measured.length >> 1];
  }

  #timed(placed: Placed, near: Anchor, duration: number): Anchor {
    const distance = (placed.index - near.index) * duration;
    const dts = this.#lastDts === null ? near.dts + distance : this.#lastDts + duration;
    let pts = dts + near.pts - near.dts;
    if (placed.order !== null && near.order !== null) {
      const isSameEpoch = placed.epoch === near.epoch;
      // What is decoded after a reset is shown after all that was decoded before it.
      pts = isSameEpoch
        ? near.pts + ((placed.order - near.order) * duration) / this.#step
        : this.#highest + duration;
    }
    return { ...placed, pts: ticks(Math.round(pts)), dts: ticks(Math.round(dts)) };
  }

  /** `now`: when the times became known, which is what a unit that waited for them counts as arrived. */
  #emit(anchor: Anchor, now: number): TimedUnit {
    const { unit, pts, epoch } = anchor;
    const dts = this.#risingDts(anchor);
    const isNewClock = this.#lastDts !== null && dts < this.#lastDts;
    this.#highest = ticks(isNewClock ? pts : Math.max(this.#highest, pts));
    this.#lastDts = dts;
    if (unit.stamp || this.#anchor?.epoch !== epoch) this.#anchor = anchor;
    return { unit, pts, dts, arrivedAt: now };
  }

  /**
   * A sender that gives no decoding timestamps of its own, though it reorders pictures, would send its
   * decoding times back and forth: they stand still instead.
   */
  #risingDts({ dts, unit }: Anchor): Ticks {
    const last = this.#lastDts;
    if (last === null || dts > last || unit.slice.resetsOrder) return dts;
    return last - dts > MAX_BACK_TICKS ? dts : ticks(last + 1);
  }

  /** Measures a frame between two timestamps, in presentation order where it is known. */
  #measure(from: Anchor, to: Anchor): void {
    const isByOrder = from.epoch === to.epoch && from.order !== null && to.order !== null;
    const duration = isByOrder
      ? ((to.pts - from.pts) * this.#step) / ((to.order ?? 0) - (from.order ?? 0))
      : (to.dts - from.dts) / (to.index - from.index);
    if (!(duration >= TICKS_PER_SECOND / 240 && duration <= TICKS_PER_SECOND)) return;
    this.#measured.push(duration);
    if (this.#measured.length > MEASURES) this.#measured.shift();
  }

  #place(unit: AccessUnit): Placed {
    const { order, orderBits, resetsOrder } = unit.slice;
    if (resetsOrder) {
      this.#epoch++;
      this.#order = null;
    }
    if (order === null) return { unit, index: this.#index++, epoch: this.#epoch, order };
    const before = this.#order ?? order;
    const period = 2 ** orderBits;
    const delta = ((((order - before) % period) + period * 1.5) % period) - period / 2;
    this.#order = before + delta;
    // Some encoders count frames where the standard counts fields.
    if (delta % this.#step !== 0) this.#step = 1;
    return { unit, index: this.#index++, epoch: this.#epoch, order: this.#order };
  }
}

const anchorOf = (placed: Placed): Anchor | null =>
  placed.unit.stamp ? { ...placed, ...placed.unit.stamp } : null;

/** The frame duration that the pace of arrival suggests; null if the units came in bursts. */
function paceOf(units: readonly Placed[]): number | null {
  const first = units[0]?.unit.arrivedAt;
  const last = units.at(-1)?.unit.arrivedAt;
  if (first === undefined || last === undefined || units.length < MAX_WAITING) return null;
  const rate = ((units.length - 1) * 1000) / (last - first);
  const distance = (common: number): number => Math.abs(rate / common - 1);
  const [nearest = 25] = COMMON_RATES.toSorted((a, b) => distance(a) - distance(b));
  return distance(nearest) < 0.1 ? TICKS_PER_SECOND / nearest : null;
}
