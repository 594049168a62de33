/** Gives large pictures threads of their own in a model, so that small ones do not wait behind them. */
import type { Size } from "../protocol/work.ts";
import type { ModelThread } from "./model-thread.ts";

/**
 * Upper bounds of the classes of sizes, in pixels; larger pictures are a class of their own. A run cannot be
 * interrupted, and its time grows with its pixels: within a class none takes much more than four times another's.
 */
const CLASSES = [1024 * 1024, 2048 * 2048];

/** A thread of large pictures that has not run for this long is closed. */
const IDLE_MS = 30_000;

export interface SizeThreadsOptions {
  /** The thread of the smallest class, which stays. */
  readonly base: ModelThread;
  /** Loads the model once more, for pictures of about this size. Rejects with `model_failed`. */
  readonly open: (size: Size) => Promise<ModelThread>;
  readonly close: (thread: ModelThread) => Promise<void>;
  readonly idleMs?: number;
}

interface Entry {
  readonly thread: Promise<ModelThread>;
  running: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class SizeThreads implements AsyncDisposable {
  readonly #options: SizeThreadsOptions;
  readonly #entries = new Map<number, Entry>();

  constructor(options: SizeThreadsOptions) {
    this.#options = options;
  }

  /** Runs `work` in the thread for pictures of this size. */
  async use<T>(size: Size, work: (thread: ModelThread) => Promise<T>): Promise<T> {
    const pixels = size.width * size.height;
    const sizeClass = CLASSES.findLastIndex((bound) => pixels > bound) + 1;
    const { base } = this.#options;
    // Without its base the model is gone, or about to be: nothing is opened for it any more.
    if (sizeClass === 0 || base.isLost) return await work(base);
    const entry = await this.#entry(sizeClass, size);
    entry.running++;
    clearTimeout(entry.timer);
    try {
      return await work(await entry.thread);
    } finally {
      entry.running--;
      if (entry.running === 0) this.#closeWhenIdle(sizeClass, entry);
    }
  }

  /** Calls `work` with every thread but the base. */
  async each(work: (thread: ModelThread) => void): Promise<void> {
    for (const { thread } of this.#entries.values()) {
      const opened = await thread.catch(() => null); // nothing was opened
      if (opened !== null) work(opened);
    }
  }

  /** Closes all threads but the base. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      [...this.#entries].map(([sizeClass, entry]) => this.#close(sizeClass, entry)),
    );
  }

  async #entry(sizeClass: number, size: Size): Promise<Entry> {
    const known = this.#entries.get(sizeClass);
    if (known && !(await known.thread).isLost) return known;
    if (known && this.#entries.get(sizeClass) === known) this.#entries.delete(sizeClass);
    const opened = this.#entries.get(sizeClass);
    if (opened) return opened;
    const entry: Entry = { thread: this.#options.open(size), running: 0, timer: undefined };
    this.#entries.set(sizeClass, entry);
    entry.thread.catch(() => {
      if (this.#entries.get(sizeClass) === entry) this.#entries.delete(sizeClass);
    });
    return entry;
  }

  #closeWhenIdle(sizeClass: number, entry: Entry): void {
    const { idleMs = IDLE_MS } = this.#options;
    entry.timer = setTimeout(() => void this.#close(sizeClass, entry), idleMs);
    entry.timer.unref();
  }

  async #close(sizeClass: number, entry: Entry): Promise<void> {
    clearTimeout(entry.timer);
    if (this.#entries.get(sizeClass) === entry) this.#entries.delete(sizeClass);
    const thread = await entry.thread.catch(() => null); // nothing was opened
    if (thread !== null) await this.#options.close(thread);
  }
}
