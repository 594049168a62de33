/** Keeps a player close to live: decides where to jump and how fast to play. Times in seconds. */

/** Further behind than this, the player jumps. */
export const MAX_BEHIND = 0.8;
const FIRST_TARGET = 0.12;
const MAX_TARGET = 0.4;
const TARGET_STEP = 0.04;
/** Time without a stall after which the target is lowered by a step. */
const CALM = 4;
/** Within this distance of the target the rate is 1: about a frame at 24 a second. */
const SLACK = 0.04;
const FASTEST = 1.25;
const SLOWEST = 0.95;

export interface Playhead {
  /** Current media time. */
  readonly at: number;
  /** Start of the newest contiguous range of pictures. */
  readonly start: number;
  /** Time of the newest picture. */
  readonly edge: number;
}

export type Move =
  | { readonly kind: "jump"; readonly to: number }
  | { readonly kind: "rate"; readonly rate: number };

/** Learns from stalls how much media this network needs buffered. */
export class LiveEdge {
  #target = FIRST_TARGET;
  #calmSince: number | null = null;

  /** Seconds behind live to aim at. */
  get target(): number {
    return this.#target;
  }

  /** Records that playback ran out of media. */
  stalled(): void {
    this.#target = Math.min(MAX_TARGET, this.#target + TARGET_STEP);
    this.#calmSince = null;
  }

  /** What to do after a new picture has arrived. */
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
