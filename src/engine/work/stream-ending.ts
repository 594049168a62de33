/** Ends one stream: its source first, so that what is under way is still sent, and after 3 s everything that is left. */
import { WorkerError } from "../../errors.ts";
import { pause } from "../../streams/pause.ts";
import { untilAborted } from "../../streams/until-aborted.ts";

/** A stream that was asked to stop is aborted after this time. */
const STOP_MS = 3000;
/** An aborted stream reports its end after this time, even if a native call is still running. */
const DETACH_MS = 500;

export class StreamEnding {
  readonly #stop = new AbortController();
  readonly #abort = new AbortController();

  /** Aborted when the stream is asked to stop: ends the source. */
  get stopSignal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Aborts everything that the stream does. */
  get abortSignal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Lets what is under way leave; what is left after 3 s is aborted. */
  requestStop(): void {
    if (this.stopSignal.aborted) return;
    this.#stop.abort(new DOMException("stream stopped", "AbortError"));
    const late = setTimeout(
      () => this.#abort.abort(new WorkerError("timeout", "cut off")),
      STOP_MS,
    );
    this.abortSignal.addEventListener("abort", () => clearTimeout(late), { once: true });
  }

  /** Resolves when the stream is asked to stop. */
  async stopRequested(): Promise<void> {
    await untilAborted(new Promise<never>(() => {}), this.stopSignal);
  }

  /** Settles as `flow` does; resolves earlier if the stream was aborted and a native call still keeps it from ending. */
  async waitFor(flow: Promise<void>): Promise<void> {
    const over = new AbortController();
    try {
      await Promise.race([flow, this.#detached(over.signal)]);
    } finally {
      over.abort();
    }
  }

  /** Aborts what is still running: its result is not needed. */
  abort(): void {
    this.#abort.abort(new DOMException("stream over", "AbortError"));
  }

  async #detached(over: AbortSignal): Promise<void> {
    await untilAborted(new Promise<never>(() => {}), this.abortSignal);
    await pause(DETACH_MS, over);
  }
}
