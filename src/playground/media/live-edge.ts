/** Hides how close to live a player stays: where to jump, and how fast to play. Times in seconds. */

/** More than this behind live, it jumps. */
export const MAX_BEHIND = 0.8;
const FIRST_TARGET = 0.12;
const MAX_TARGET = 0.4;
const TARGET_STEP = 0.04;
/** The target comes down by a step after so long without a stall. */
const CALM = 4;
/** This far from the target it plays as it is: a frame at 24 a second. */
const SLACK = 0.04;
const FASTEST = 1.25;
const SLOWEST = 0.95;

export interface Playhead {
  /** Media time. */
  readonly at: number;
  /** The newest run of pictures that hangs together. */
  readonly start: number;
  /** The newest picture. */
  readonly edge: number;
}

export type Move =
  | { readonly kind: "jump"; readonly to: number }
  | { readonly kind: "rate"; readonly rate: number };

/** Learns from stalls how much it must hold back on this network. */
export class LiveEdge {
  #target = FIRST_TARGET;
  #calmSince: number | null = null;

  /** Seconds behind live it aims at. */
  get target(): number {
    return this.#target;
  }

  /** Playback ran dry. */
  stalled(): void {
    this.#target = Math.min(MAX_TARGET, this.#target + TARGET_STEP);
    this.#calmSince = null;
  }

  /** What to do now that the newest picture is at `edge`. */
  move({ at, start, edge }: Playhead): Move {
    const behind = edge - at;
    if (at < start || behind > MAX_BEHIND || behind < -MAX_BEHIND)
      return { kind: "jump", to: Math.max(start, edge - this.#target) };
    this.#calmSince ??= edge;
    if (edge - this.#calmSince > CALM) {
      this.#target = Math.max(FIRST_TARGET, this.#target - TARGET_STEP);
      this.#calmSince = edge;
    }
    const excess = behind - this.#target;
    if (excess > SLACK) return { kind: "rate", rate: Math.min(FASTEST, 1 + excess) };
    if (excess < -SLACK) return { kind: "rate", rate: SLOWEST };
    return { kind: "rate", rate: 1 };
  }
}
