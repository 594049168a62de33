/** Ends one stream: its source first, so that what is under way is still sent, and after 3 s everything that is left. */
import { WorkerError } from "../../errors.ts";
import { pause } from "../../streams/pause.ts";
import { untilAborted } from "../../streams/until-aborted.ts";

/** A stream that was asked to end is cut off after this time. */
const STOP_MS = 3000;
/** What is cut off reports its end after this time, though a native call may still run. */
const DETACH_MS = 500;

export class StreamEnding {
  readonly #asked = new AbortController();
  readonly #cut = new AbortController();

  /** Aborted when the stream is asked to end: ends the source. */
  get asked(): AbortSignal {
    return this.#asked.signal;
  }

  /** Cuts everything off. */
  get cut(): AbortSignal {
    return this.#cut.signal;
  }

  /** Lets what is under way leave, then ends; cut off after 3 s. */
  begin(): void {
    if (this.asked.aborted) return;
    this.#asked.abort(new DOMException("stream stopped", "AbortError"));
    const cut = setTimeout(() => this.#cut.abort(new WorkerError("timeout", "cut off")), STOP_MS);
    this.cut.addEventListener("abort", () => clearTimeout(cut), { once: true });
  }

  /** Resolves when the stream is asked to end. */
  async whenAsked(): Promise<void> {
    await untilAborted(new Promise<never>(() => {}), this.asked);
  }

  /** Settles as `flow` does; resolves earlier if the stream was cut off and a native call still keeps it from ending. */
  async waitFor(flow: Promise<void>): Promise<void> {
    const over = new AbortController();
    try {
      await Promise.race([flow, this.#detached(over.signal)]);
    } finally {
      over.abort();
    }
  }

  /** The end is reported: what still runs has nobody to run for. */
  finish(): void {
    this.#cut.abort(new DOMException("stream over", "AbortError"));
  }

  async #detached(over: AbortSignal): Promise<void> {
    await untilAborted(new Promise<never>(() => {}), this.cut);
    await pause(DETACH_MS, over);
  }
}
