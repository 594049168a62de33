/** Reports a stream that loses most of its frames because its models or codecs do not keep up. */
import type { PlainError } from "../../errors.ts";

const LOOK_MS = 1000;
/** A stream that loses most of its frames for this many looks in a row is reported; one that keeps most, recovers as slowly. */
const PATIENCE_LOOKS = 5;
const LOST_SHARE = 0.5;

export interface PaceWatchOptions {
  readonly framesIn: () => number;
  readonly framesDropped: () => number;
  /** The message, with what the current figures say about the cause. */
  readonly message: () => string;
  /** What is wrong, once; null when the stream keeps up again. */
  readonly report: (error: PlainError | null) => void;
}

/** Looks once a second. A pause of the input changes nothing. */
export class PaceWatch implements Disposable {
  readonly #options: PaceWatchOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #seen = { in: 0, dropped: 0 };
  /** Looks in a row that speak against what is reported. */
  #contrary = 0;
  #isBehind = false;

  constructor(options: PaceWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** The stream is drawn by something else from now on, which is judged by itself. */
  restart(): void {
    this.#contrary = 0;
    if (this.#isBehind) this.#options.report(null);
    this.#isBehind = false;
  }

  #look(): void {
    const { framesIn, framesDropped, message, report } = this.#options;
    const now = { in: framesIn(), dropped: framesDropped() };
    const [came, lost] = [now.in - this.#seen.in, now.dropped - this.#seen.dropped];
    this.#seen = now;
    if (came === 0) return;
    const losesMost = lost > LOST_SHARE * came;
    this.#contrary = losesMost === this.#isBehind ? 0 : this.#contrary + 1;
    if (this.#contrary < PATIENCE_LOOKS) return;
    this.#contrary = 0;
    this.#isBehind = losesMost;
    report(losesMost ? { kind: "at_capacity", message: message() } : null);
  }
}
