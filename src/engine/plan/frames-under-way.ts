/** Keeps track of a stream's frames between their first run and the moment when they come out. */
import { TooLate } from "../device/job.ts";
import type { FrameInputs } from "./frame-inputs.ts";

export class FramesUnderWay {
  /** Settles when the last frame in order has come out; null where none waits. */
  #last: Promise<void> | null = null;
  readonly #all = new Set<Promise<void>>();
  #running: Promise<void> | null = null;
  #wasTooLate = false;

  /** Settles when the frame before the next one has come out; null where the next need not wait for any. */
  get last(): Promise<void> | null {
    return this.#last;
  }

  /** Settles when the last run has ended; null while none is in progress. */
  get running(): Promise<void> | null {
    return this.#running;
  }

  /** The last frame was too late for its run. */
  get wasTooLate(): boolean {
    return this.#wasTooLate;
  }

  /** A run begins. The returned promise settles when it has ended; it never rejects. */
  runs(inferred: Promise<unknown>, inputs: FrameInputs): Promise<void> {
    void inputs.begun.then(() => {
      this.#wasTooLate = false;
    });
    const late = inferred.then(
      () => false,
      (error) => error instanceof TooLate,
    );
    const ran = late.then((isTooLate) => {
      // Of one that has begun it is known; the next may have been refused since.
      if (inputs.begunAt === null) this.#wasTooLate = isTooLate;
      if (this.#running === ran) this.#running = null;
    });
    this.#running = ran;
    return ran;
  }

  /** A frame is under way until `finished` settles; with `inOrder` the next one comes out after it. */
  add(finished: Promise<void>, { inOrder }: { readonly inOrder: boolean }): void {
    this.#all.add(finished);
    if (inOrder) this.#last = finished;
    finished.then(
      () => {
        this.#all.delete(finished);
        if (this.#last === finished) this.#last = null;
      },
      () => {}, // the next frame, or the end of the stream, reports it
    );
  }

  /** A frame has passed by all: the next ones need not wait for them. */
  passedBy(): void {
    this.#last = null;
  }

  /** Waits for all; rejects with the first error. */
  async finished(): Promise<void> {
    await Promise.all(this.#all);
  }

  /** Waits for all; never rejects. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#all);
  }
}
