/** One loaded version of a model: runs it, and records whether its files have changed since it was loaded. */
import { WorkerError } from "../../errors.ts";
import { inputSize, type ModelDefinition, type Size } from "../models/definition.ts";
import type { UsableModel } from "../models/model-folder.ts";
import type { InferenceWorker } from "./inference-worker.ts";
import type { InferenceJob, InferenceResult, LoadedModel } from "./model-host.ts";

export interface ReadyModelOptions {
  readonly model: UsableModel;
  /** The thread that holds it; ended by `close`. */
  readonly worker: InferenceWorker;
  readonly executionProvider: string;
  readonly run: (job: InferenceJob) => Promise<InferenceResult>;
}

export class ReadyModel implements LoadedModel {
  readonly name: string;
  readonly definition: ModelDefinition;
  readonly executionProvider: string;
  /** Of the files it was loaded from. */
  readonly stamp: string;
  readonly worker: InferenceWorker;
  readonly #run: (job: InferenceJob) => Promise<InferenceResult>;
  #lost = false;
  #outdated = false;
  #rejected: { readonly stamp: string; readonly error: WorkerError } | null = null;
  #running = 0;
  #lastUsed = performance.now();

  constructor({ model, worker, executionProvider, run }: ReadyModelOptions) {
    this.name = model.name;
    this.definition = model.definition;
    this.stamp = model.stamp;
    this.executionProvider = executionProvider;
    this.worker = worker;
    this.#run = run;
    void worker.exited.then(() => {
      this.#lost = true;
    });
  }

  isLost(): boolean {
    return this.#lost;
  }

  isOutdated(): boolean {
    return this.#outdated;
  }

  reloadError(): WorkerError | null {
    return this.#rejected?.error ?? null;
  }

  inputSize(source: Size): Size {
    return inputSize(this.definition, source);
  }

  async run(job: InferenceJob): Promise<InferenceResult> {
    this.#running++;
    try {
      return await this.#run(job);
    } finally {
      this.#running--;
      this.#lastUsed = performance.now();
    }
  }

  /** True if nothing has run, or waited to run, for this long. */
  isIdle(ms: number): boolean {
    return this.#running === 0 && performance.now() - this.#lastUsed > ms;
  }

  /** A newer version is ready to run. */
  markOutdated(): void {
    this.#outdated = true;
  }

  /** Files with this stamp are known not to load. */
  hasRejected(stamp: string): boolean {
    return this.#rejected?.stamp === stamp;
  }

  /** Files with this stamp cannot be loaded: this version continues, and says why. */
  reject(stamp: string, problem: string): void {
    const message = `model ${this.name} ${problem}; the loaded version continues`;
    this.#rejected = { stamp, error: new WorkerError("model_failed", message) };
  }

  /** The files are again those of this version. */
  restore(): void {
    this.#rejected = null;
  }
}
