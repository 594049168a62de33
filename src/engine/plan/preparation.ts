/** Has a stream's executor load what its parameters ask for, again after a failure, and reports what becomes of it. */
import { type PlainError, toPlainError } from "../../errors.ts";
import type { LoadedModel } from "../device/loaded-model.ts";
import type { PipelineObserver } from "../pipeline-observer.ts";
import type { StreamParams } from "../protocol/work.ts";
import type { PlanExecutor } from "./executor.ts";

/** A model that failed to load is asked for again after this time, which costs a few `stat` calls. */
const RETRY_MS = 2000;

export interface PreparationOptions {
  readonly executor: PlanExecutor;
  /** Returns the same object as long as nothing has changed. */
  readonly params: () => StreamParams;
  readonly observer: Pick<
    PipelineObserver,
    "paramsApplied" | "paramsRefused" | "programChanged" | "modelReady" | "trouble"
  >;
  /** Aborted when the stream is over. */
  readonly signal: AbortSignal;
}

export class Preparation {
  readonly #options: PreparationOptions;
  /** What was asked for last. */
  #asked: StreamParams | null = null;
  #settled: Promise<void> = Promise.resolve();
  /** What draws the frames. */
  #program: readonly [model?: LoadedModel | undefined, graphs?: StreamParams["graphs"]] = [];
  /** Why the model that the parameters ask for cannot be loaded. */
  #error: PlainError | null = null;
  #failedAt = 0;
  #reported: PlainError | null = null;
  #applied: StreamParams | null = null;

  constructor(options: PreparationOptions) {
    this.#options = options;
  }

  /** Settles when everything that has been asked for so far is loaded or has failed. */
  get settled(): Promise<void> {
    return this.#settled;
  }

  /** Begins to load what the parameters ask for, unless it has; returns the parameters. */
  begin(): StreamParams {
    const { executor, params: current } = this.#options;
    const params = current();
    // A paused stream needs no model: one that was unloaded for others stays so.
    if (!params.paused) executor.markUsed();
    const isStale = executor.isStale && this.#error === null && !params.paused;
    if (params === this.#asked && !isStale && !this.#mayRetry) return params;
    this.#asked = params;
    this.#failedAt = Number.POSITIVE_INFINITY;
    const ready = this.#prepare(params);
    const before = this.#settled;
    this.#settled = ready.then(() => before);
    return params;
  }

  /** Reports why the model asked for, or the newest version of its files, is not in use; nothing twice. */
  report(): void {
    const { executor, observer, signal } = this.#options;
    if (signal.aborted) return;
    const { reloadError, inputError } = executor;
    const error = this.#error ?? (reloadError && toPlainError(reloadError)) ?? inputError;
    if (error?.message === this.#reported?.message) return;
    this.#reported = error;
    observer.trouble("model load", error);
  }

  /** A frame of these parameters comes out: reports the first that was made with them. */
  frameMade(params: StreamParams): void {
    const { executor, observer } = this.#options;
    if (params === this.#applied || !executor.runs(params)) return;
    this.#applied = params;
    observer.paramsApplied(params);
  }

  async #prepare(params: StreamParams): Promise<void> {
    const { executor, observer, signal } = this.#options;
    try {
      await executor.prepare(params);
    } catch (error) {
      if (signal.aborted) return; // nobody waits for it
      this.#error = toPlainError(error, "model_failed");
      this.#failedAt = performance.now();
      this.report();
      observer.paramsRefused(params);
      return;
    }
    this.#error = null;
    const [model, graphs] = [executor.models.at(-1), executor.graphs];
    if (model !== this.#program[0] || graphs !== this.#program[1]) observer.programChanged();
    this.#program = [model, graphs];
    observer.modelReady(model?.executionProvider ?? null);
  }

  /** It loads once its files have changed. */
  get #mayRetry(): boolean {
    return this.#error !== null && performance.now() - this.#failedAt > RETRY_MS;
  }
}
