/** Counts media time in ticks of the MPEG systems clock (ISO/IEC 13818-1 §2.4.2). */

/** 1/90000 s, unwrapped: after 26.5 h of a stream it exceeds 33 bits. */
export type Ticks = number & { readonly unit: "1/90000 s" };

/** Ticks in one second; also the timescale of every video track we write. */
export const TICKS_PER_SECOND = 90_000;

/** A plain number that is known to count 90 kHz ticks. */
export const ticks = (value: number): Ticks => value as Ticks;

/** Nearest tick to a time in seconds. */
export const ticksFromSeconds = (seconds: number): Ticks =>
  Math.round(seconds * TICKS_PER_SECOND) as Ticks;

/** Seconds, for logs and people. */
export const secondsFromTicks = (value: Ticks): number => value / TICKS_PER_SECOND;

/** A thousand years, which no clock of a sender shows: later times are damage. */
const MAX_TICKS = 1000 * 365 * 24 * 3600 * TICKS_PER_SECOND;

/** Whether a clock may show this time, so that sums of such times are exact. */
export const isClockTime = (value: number): boolean => Math.abs(value) <= MAX_TICKS;
