/** Encodes prompts in a thread of its own, so that no text, however long, delays the frames of any stream. */
import { WorkerError } from "../../errors.ts";
import type { Prompt } from "../protocol/work.ts";
import type { EncodeRequest, EncodeResponse } from "./prompt-worker.ts";

/** The longest prompts that a stream may have take a tenth of this: a thread that takes longer is replaced. */
const DEADLINE_MS = 5000;

type Pending = PromiseWithResolvers<Float32Array<ArrayBuffer>>;

/**
 * One for all streams of an engine. The thread starts with the first call, and again after it has died.
 *
 * ```ts
 * using encoder = new PromptEncoder();
 * const vector = await encoder.encode([{ prompt: "a lake at dawn" }]);
 * ```
 */
export class PromptEncoder implements Disposable {
  readonly #deadlineMs: number;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | null = null;
  #nextId = 0;
  #disposed = false;

  constructor({ deadlineMs = DEADLINE_MS }: { readonly deadlineMs?: number } = {}) {
    this.#deadlineMs = deadlineMs;
  }

  /** The controls of these prompts (`controls.ts`), the caller's. Rejects with `model_failed`. */
  async encode(prompts: readonly Prompt[]): Promise<Float32Array<ArrayBuffer>> {
    if (this.#disposed) throw failure("the engine is closing");
    const worker = this.#start();
    const id = this.#nextId++;
    const pending: Pending = Promise.withResolvers();
    this.#pending.set(id, pending);
    const overdue = setTimeout(
      () => this.#stop(`the thread did not answer within ${this.#deadlineMs} ms`),
      this.#deadlineMs,
    );
    worker.postMessage({ id, prompts } satisfies EncodeRequest);
    try {
      return await pending.promise;
    } finally {
      clearTimeout(overdue);
    }
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#stop("the engine is closing");
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL("./prompt-worker.ts", import.meta.url).href);
    worker.onmessage = ({ data: { id, vector } }: MessageEvent<EncodeResponse>) => {
      this.#pending.get(id)?.resolve(vector);
      this.#pending.delete(id);
    };
    const ended = (why: string): void => {
      if (this.#worker === worker) this.#stop(why);
    };
    worker.onerror = ({ message }) => ended(message);
    worker.addEventListener("close", () => ended("the thread ended"));
    this.#worker = worker;
    return worker;
  }

  /** Ends the thread, which runs nothing native and may be ended at any time. */
  #stop(why: string): void {
    const worker = this.#worker;
    this.#worker = null;
    worker?.terminate();
    for (const { reject } of this.#pending.values()) reject(failure(why));
    this.#pending.clear();
  }
}

const failure = (why: string): WorkerError =>
  new WorkerError("model_failed", `the prompts could not be encoded: ${why}`);
