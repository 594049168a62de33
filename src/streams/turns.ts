/** Runs pieces of work one after the other, for tools whose calls must not overlap. */

/**
 * ```ts
 * const turns = new Turns();
 * const [a, b] = await Promise.all([turns.run(() => resize(one)), turns.run(() => resize(other))]);
 * ```
 */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` when all before it has settled, and settles as it does. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {}); // the caller gets it
    return await done;
  }

  /** Resolves when all work so far has settled. */
  async settled(): Promise<void> {
    await this.#last;
  }
}
