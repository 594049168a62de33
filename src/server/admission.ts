/** Hides how many streams and batch jobs are taken at a time: one count for all, as they share the devices (protocol.md 1.7). */
import { WorkerError } from "../errors.ts";

export class Admission {
  /** Streams and jobs together. */
  readonly capacity: number;
  #taken = 0;
  #open = true;
  #emptied = Promise.withResolvers<void>();

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Settles when the last place is given back next. */
  get emptied(): Promise<void> {
    return this.#emptied.promise;
  }

  /** None is free from now on; settles when all are given back. */
  async close(): Promise<void> {
    this.#open = false;
    if (this.#taken > 0) await this.emptied;
  }

  /** Throws `at_capacity` when none is free. */
  admit(): void {
    if (!this.#open) throw new WorkerError("at_capacity", "the server is shutting down");
    if (this.#taken < this.capacity) return;
    const message = `all ${this.capacity} places for streams and jobs are taken (--max-streams); stop a stream or try later`;
    throw new WorkerError("at_capacity", message);
  }

  /** A place until it is disposed. Asks nothing: see `admit`. */
  take(): Disposable {
    this.#taken++;
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#giveBack();
        held = false;
      },
    };
  }

  #giveBack(): void {
    this.#taken--;
    if (this.#taken > 0) return;
    this.#emptied.resolve();
    this.#emptied = Promise.withResolvers();
  }
}
