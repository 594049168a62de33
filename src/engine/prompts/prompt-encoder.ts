/** Encodes prompts in a thread of its own, so that a long text does not delay the frames of any stream. */
import { WorkerError } from "../../errors.ts";
import type { Prompt } from "../protocol/work.ts";
import type { EncodeRequest, EncodeResponse } from "./prompt-worker.ts";

/** The longest prompts that a stream may have take a tenth of this: a thread that takes longer for one call is replaced. */
const DEADLINE_MS = 5000;

interface Pending {
  readonly prompts: readonly Prompt[];
  readonly resolve: (vector: Float32Array<ArrayBuffer>) => void;
  readonly reject: (error: WorkerError) => void;
}

/**
 * One for all streams of an engine. The thread starts with the first call. When it dies or hangs, the call that it was
 * working on is rejected, and a new thread takes over the ones that wait.
 *
 * ```ts
 * using encoder = new PromptEncoder();
 * const vector = await encoder.encode([{ prompt: "a lake at dawn" }]);
 * ```
 */
export class PromptEncoder implements Disposable {
  readonly #deadlineMs: number;
  /** In the order in which the thread answers: it works on the first. */
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | null = null;
  #overdueTimer: ReturnType<typeof setTimeout> | undefined;
  #nextId = 0;
  #disposed = false;

  constructor({ deadlineMs = DEADLINE_MS }: { readonly deadlineMs?: number } = {}) {
    this.#deadlineMs = deadlineMs;
  }

  /** The controls of these prompts (`controls.ts`), the caller's. Rejects with `model_failed`. */
  async encode(prompts: readonly Prompt[]): Promise<Float32Array<ArrayBuffer>> {
    if (this.#disposed) throw failure("the engine is closing");
    const { promise, resolve, reject } = Promise.withResolvers<Float32Array<ArrayBuffer>>();
    const id = this.#nextId++;
    this.#pending.set(id, { prompts, resolve, reject });
    this.#start().postMessage({ id, prompts } satisfies EncodeRequest);
    if (this.#pending.size === 1) this.#expectAnswer();
    return await promise;
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#end();
    for (const { reject } of this.#pending.values()) reject(failure("the engine is closing"));
    this.#pending.clear();
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL("./prompt-worker.ts", import.meta.url).href);
    worker.onmessage = ({ data: { id, vector } }: MessageEvent<EncodeResponse>) => {
      this.#pending.get(id)?.resolve(vector);
      this.#pending.delete(id);
      this.#expectAnswer();
    };
    const ended = (why: string): void => {
      if (this.#worker === worker) this.#replace(why);
    };
    worker.onerror = ({ message }) => ended(message);
    worker.addEventListener("close", () => ended("the thread ended"));
    this.#worker = worker;
    return worker;
  }

  /** Gives the next answer the whole deadline: the time that a call waits behind others does not count. */
  #expectAnswer(): void {
    clearTimeout(this.#overdueTimer);
    if (this.#pending.size === 0) return;
    const why = `the thread did not answer within ${this.#deadlineMs} ms`;
    this.#overdueTimer = setTimeout(() => this.#replace(why), this.#deadlineMs);
  }

  /** Rejects the call that the thread works on, and lets a new thread answer the others. */
  #replace(why: string): void {
    this.#end();
    const [current] = this.#pending;
    if (current === undefined) return;
    const [currentId, { reject }] = current;
    this.#pending.delete(currentId);
    reject(failure(why));
    if (this.#pending.size === 0) return;
    const worker = this.#start();
    for (const [id, { prompts }] of this.#pending) {
      worker.postMessage({ id, prompts } satisfies EncodeRequest);
    }
    this.#expectAnswer();
  }

  /** Ends the thread, which runs nothing native and may be ended at any time. */
  #end(): void {
    clearTimeout(this.#overdueTimer);
    const worker = this.#worker;
    this.#worker = null;
    worker?.terminate();
  }
}

const failure = (why: string): WorkerError =>
  new WorkerError("model_failed", `the prompts could not be encoded: ${why}`);
