/** Hides the one picture that an engine makes at a time: its answer, its cancelling, and that engines die. */
import type { FromEngine } from "../../engine/protocol/messages.ts";
import type { ImageJob, ImageResult, ImageStep } from "../../engine/protocol/work.ts";
import { WorkerError } from "../../errors.ts";
import type { EngineProcess } from "./engine-process.ts";

/** A cancelled job may finish the run it is in; an engine that takes longer hangs. */
const CANCEL_TIMEOUT_MS = 30_000;

/** A picture to make. */
export interface ImageOrder {
  readonly image: ImageJob;
  /** Cancels it. */
  readonly signal: AbortSignal;
  /** Told of each step as it begins; all over again if another engine must make it. */
  readonly begins: (step: ImageStep) => void;
}

/** The engine was gone before it answered: another may be asked. */
export class EngineDied extends WorkerError {
  constructor(why: string) {
    super("engine_unavailable", `the engine died while it made the picture: ${why}`);
  }
}

export class EngineJob {
  readonly #id = crypto.randomUUID();
  readonly #outcome = Promise.withResolvers<ImageResult>();
  readonly #over = new AbortController();

  readonly #order: ImageOrder;

  /** Sends it off. The engine is busy until `receive` or `lost`. */
  constructor(process: EngineProcess, order: ImageOrder) {
    const { image, signal } = order;
    this.#order = order;
    const cancel = () => {
      process.send({ type: "cancel", job: this.#id });
      const hung = setTimeout(() => process.kill("did not end a job"), CANCEL_TIMEOUT_MS);
      this.#over.signal.addEventListener("abort", () => clearTimeout(hung), { once: true });
      this.#outcome.reject(signal.reason);
    };
    process.send({ type: "make", job: this.#id, image });
    signal.addEventListener("abort", cancel, { once: true, signal: this.#over.signal });
  }

  /** Rejects with the engine's error, EngineDied, or the signal's reason. */
  get result(): Promise<ImageResult> {
    return this.#outcome.promise;
  }

  /** Passed on until the job is cancelled. */
  began({ job, step }: Extract<FromEngine, { type: "step" }>): void {
    if (job === this.#id && !this.#order.signal.aborted) this.#order.begins(step);
  }

  receive({ job, outcome }: Extract<FromEngine, { type: "image" }>): void {
    if (job !== this.#id) return;
    this.#over.abort();
    if (outcome.done) this.#outcome.resolve(outcome.result);
    else {
      const { kind, message, details = [] } = outcome.error;
      this.#outcome.reject(new WorkerError(kind, message, { details }));
    }
  }

  lost(why: string): void {
    this.#over.abort();
    this.#outcome.reject(new EngineDied(why));
  }
}
