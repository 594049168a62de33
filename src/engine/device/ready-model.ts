/** One loaded version of a model: runs it, and records whether its files have changed since it was loaded. */
import { WorkerError } from "../../errors.ts";
import type { UsableModel } from "../models/catalogue-entry.ts";
import { inputSize, type ModelDefinition } from "../models/definition.ts";
import type { Size } from "../protocol/work.ts";
import type { InferenceJob, InferenceResult, LoadedModel } from "./loaded-model.ts";
import { residentBytes } from "./model-memory.ts";
import type { ModelThread } from "./model-thread.ts";
import type { SizeThreads } from "./size-threads.ts";

export interface ReadyModelOptions {
  readonly model: UsableModel;
  /** Holds it. */
  readonly thread: ModelThread;
  /** Holds it once more for large pictures; null where one thread runs all of them. */
  readonly large: SizeThreads | null;
  readonly executionProvider: string;
}

export class ReadyModel implements LoadedModel, AsyncDisposable {
  readonly name: string;
  readonly definition: ModelDefinition;
  readonly executionProvider: string;
  /** About what it takes in memory. */
  readonly bytes: number;
  /** Of the files it was loaded from. */
  readonly stamp: string;
  readonly thread: ModelThread;
  readonly #large: SizeThreads | null;
  #outdated = false;
  #rejected: { readonly stamp: string; readonly error: WorkerError } | null = null;
  #running = 0;
  #lastUsed = performance.now();

  constructor({ model, thread, large, executionProvider }: ReadyModelOptions) {
    this.name = model.name;
    this.definition = model.definition;
    this.stamp = model.stamp;
    this.bytes = residentBytes(model);
    this.executionProvider = executionProvider;
    this.thread = thread;
    this.#large = large;
  }

  isLost(): boolean {
    return this.thread.isLost;
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
      if (this.#large === null) return await this.thread.submit(job);
      return await this.#large.use(largest(job), (thread) => thread.submit(job));
    } finally {
      this.#running--;
      this.markUsed();
    }
  }

  markUsed(): void {
    this.#lastUsed = performance.now();
  }

  abandon(lane: string): void {
    this.thread.abandon(lane, GRACE_MS);
    void this.#large?.each((thread) => thread.abandon(lane, GRACE_MS));
  }

  forget(lane: string): void {
    this.thread.forget(lane);
    void this.#large?.each((thread) => thread.forget(lane));
  }

  /** Lets runs in progress finish, and ends all threads. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.thread[Symbol.asyncDispose](), this.#large?.[Symbol.asyncDispose]()]);
  }

  /** `performance.now()` of its last use. */
  get lastUsed(): number {
    return this.#running > 0 ? performance.now() : this.#lastUsed;
  }

  /** True if no stream has used it for this long. */
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

/** The run of a live graph ends within it, and its frame is not lost when another graph takes over. */
const GRACE_MS = 250;

/** The size that decides how long a run takes. */
const largest = ({ picture, original, size }: InferenceJob): Size => original ?? picture ?? size;
