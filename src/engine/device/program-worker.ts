/** Calls the worker thread of a program from the main thread. Every call settles, even when the worker dies. */
import { fromPlainError, reason, WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import type { Calls, Request, Response } from "./worker/calls.ts";

const log = getLogger("device");

interface Pending {
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: WorkerError) => void;
}

/** A worker thread that holds one program. Dispose it before the process ends. */
export class ProgramWorker implements AsyncDisposable {
  /** Resolves when the thread has ended, for whatever reason. */
  readonly exited: Promise<void>;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #nextId = 0;
  #alive = true;
  /** Why the thread cannot be used any more: the first reason, which the others follow from. */
  #failure: string | null = null;
  #closed: Promise<void> | undefined;

  constructor() {
    // Beside this file: one binary holds both in one folder (scripts/build-binary.ts).
    const worker = new Worker(new URL("./worker.ts", import.meta.url).href);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.exited = promise;
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Response>) => this.#settle(data);
    worker.onerror = ({ message }) => {
      // Bun reports the source around the error and a stack, and the error itself in one line of it.
      const [, thrown = message] = /^error: (.*)$/m.exec(message) ?? [];
      log.debug("inference thread failed", { error: message });
      this.#fail(`the inference thread failed: ${thrown}`);
    };
    worker.addEventListener("close", () => {
      this.#alive = false;
      this.#fail("the inference thread ended");
      resolve();
    });
  }

  /** False once the thread has failed or ended, or was asked to end. */
  get isAlive(): boolean {
    return this.#alive && this.#failure === null && this.#closed === undefined;
  }

  /** Buffers in `transfer` move to the worker. Rejects with WorkerError. */
  call<K extends keyof Calls>(
    call: K,
    input: Calls[K][0],
    transfer: ArrayBuffer[] = [],
  ): Promise<Calls[K][1]> {
    if (this.#failure !== null)
      return Promise.reject(new WorkerError("model_failed", this.#failure));
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const id = this.#nextId++;
    this.#pending.set(id, { resolve, reject });
    try {
      this.#worker.postMessage({ id, call, input } as Request, transfer);
    } catch (error) {
      this.#pending.delete(id);
      const message = `the inference thread cannot take "${call}": ${reason(error)}`;
      reject(new WorkerError("model_failed", message, { cause: error }));
    }
    return promise as Promise<Calls[K][1]>; // the worker answers each call by its row of the map
  }

  /**
   * Lets calls in progress finish, releases the session, then ends the thread: ending it during a native call would
   * abort the process (facts.md 1).
   */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= (async () => {
      if (!this.#alive) return;
      await this.call("close", null).catch(() => {}); // a thread that died needs no release
      this.#worker.terminate();
      await this.exited;
    })();
    return this.#closed;
  }

  #settle(response: Response): void {
    const pending = this.#pending.get(response.id);
    this.#pending.delete(response.id);
    if (response.ok) pending?.resolve(response.output);
    else pending?.reject(fromPlainError(response.error));
  }

  #fail(message: string): void {
    this.#failure ??= message;
    const error = this.#failure;
    for (const { reject } of this.#pending.values()) reject(new WorkerError("model_failed", error));
    this.#pending.clear();
  }
}
