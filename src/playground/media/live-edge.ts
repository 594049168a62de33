/** Keeps a player close to live: decides where to jump and how fast to play. Times in seconds. */

/** Further behind than this, the player jumps. */
export const MAX_BEHIND = 0.8;
/** Media ahead of the playhead, without the newest picture, when that picture arrives: more than a frame at 24 a second. */
const FIRST_TARGET = 0.06;
/** By which a stall moves the target away from live, up to so many times. */
const TARGET_STEP = 0.04;
const MAX_STEPS = 8;
/** Time without a stall after which the target is lowered by a step. Each stall doubles it, until the first target holds. */
const CALM = 4;
const MAX_CALM = 64;
/** Within this distance of the target the rate is 1, unless the player is catching up. */
const SLACK = 0.03;
const FASTEST = 1.25;
/** What is behind is caught up with at this rate at least: closer to 1 it would take many seconds. */
const FASTER = 1.05;
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
  /** By which the target is above the first. */
  #steps = 0;
  #calm = CALM;
  #calmSince: number | null = null;
  #isCatchingUp = false;

  /** Seconds behind live to aim at. */
  get target(): number {
    return FIRST_TARGET + this.#steps * TARGET_STEP;
  }

  /** Records that playback ran out of media. */
  stalled(): void {
    this.#steps = Math.min(MAX_STEPS, this.#steps + 1);
    this.#calm = Math.min(MAX_CALM, 2 * this.#calm);
    this.#calmSince = null;
  }

  /** What to do after a new picture has arrived. */
  move({ at, start, edge }: Playhead): Move {
    const behind = edge - at;
    if (at < start || behind > MAX_BEHIND || behind < -MAX_BEHIND) {
      this.#calmSince = null; // media times may have begun again
      return { kind: "jump", to: Math.max(start, edge - this.target) };
    }
    this.#approach(edge);
    const excess = behind - this.target;
    if (excess > SLACK) this.#isCatchingUp = true;
    if (excess <= 0) this.#isCatchingUp = false;
    if (this.#isCatchingUp) {
      return { kind: "rate", rate: Math.min(FASTEST, Math.max(FASTER, 1 + excess)) };
    }
    return { kind: "rate", rate: excess < -SLACK ? SLOWEST : 1 };
  }

  /** Lowers the target after a calm time. */
  #approach(edge: number): void {
    this.#calmSince ??= edge;
    if (edge - this.#calmSince <= this.#calm) return;
    this.#calmSince = edge;
    if (this.#steps === 0) this.#calm = CALM;
    else this.#steps--;
  }
}
