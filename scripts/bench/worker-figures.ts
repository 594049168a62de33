/** What is read off a run of numbered frames through a worker: latencies of one in real time, the rate of one that is not paced. */
import type { Arrival } from "./ts-arrivals.ts";

/** Left out at the start (1.5 s): models load, and decoders probe what they get. */
const WARM_UP_FRAMES = 45;
/** Left out at the end (1 s), since an encoder may hold frames back until its input ends. */
const TAIL_FRAMES = 30;

/** When frames went in and came out, by their numbers, in ms of one clock. */
export interface FrameTimes {
  /** Just before the first byte of each. */
  readonly sent: readonly number[];
  readonly arrivals: ReadonlyMap<number, Arrival>;
}

/** In ms after the first byte of a frame was sent. */
export interface Latencies {
  readonly toFirstByte: readonly number[];
  readonly lost: number;
  /** From the first byte sent to the first byte of any frame. */
  readonly firstOutput: number;
}

/** Frames of the start and the end do not count, except for the first output. */
export function latenciesOf({ sent, arrivals }: FrameTimes): Latencies {
  const counted = sent.slice(WARM_UP_FRAMES, -TAIL_FRAMES);
  const seen = counted.flatMap((at, index) => {
    const arrival = arrivals.get(WARM_UP_FRAMES + index);
    return arrival ? [arrival.first - at] : [];
  });
  const firstBytes = Array.from(arrivals.values(), ({ first }) => first);
  return {
    toFirstByte: seen,
    lost: counted.length - seen.length,
    firstOutput: Math.min(...firstBytes) - (sent[0] ?? Number.NaN),
  };
}

/** Frames that came out a second, and those that did not. */
export interface Rate {
  readonly fps: number;
  readonly lost: number;
}

/** Without the first and the last `window` frames, during which fewer than `window` are under way. */
export function rateOf({ sent, arrivals }: FrameTimes, window: number): Rate {
  const [from, to] = [window, sent.length - window];
  const inside = [...arrivals].filter(([frame]) => frame >= from && frame < to);
  const last = inside.map(([, arrival]) => arrival.last);
  const seconds = (Math.max(...last) - Math.min(...last)) / 1000;
  return { fps: (inside.length - 1) / seconds, lost: to - from - inside.length };
}
