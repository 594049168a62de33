/** A pipeline stage that owns something native: however the stream ends, it is released once, and never in mid-call. */

export interface Stage<I, O> {
  /** May enqueue any number of chunks. */
  transform(chunk: I, controller: TransformStreamDefaultController<O>): void | Promise<void>;
  /** What is left when the input has ended. */
  flush?(controller: TransformStreamDefaultController<O>): void | Promise<void>;
  /** Stops work in hand early; `dispose` follows when it has stopped. */
  cancel?(reason: unknown): void;
  /** Runs last, after the end, an error or a cancellation, when no other method runs any more. */
  dispose?(): void | Promise<void>;
}

/** The stages of one pipeline: tells when all of them have let go of what they own. */
export class StageGroup {
  readonly #ends: Promise<void>[] = [];

  /**
   * The stage as a `TransformStream`. `readable` says how many finished chunks may wait in front of the
   * next stage: 0, the default, makes neighbours take turns; 1 lets them overlap.
   */
  add<I, O>(stage: Stage<I, O>, readable = 0): TransformStream<I, O> {
    const ended = Promise.withResolvers<void>();
    ended.promise.catch(() => {}); // settled() tells, which nobody may have called yet
    this.#ends.push(ended.promise);
    let work: Promise<void> = Promise.resolve();
    let released: Promise<void> | null = null;
    const release = (): Promise<void> => {
      released ??= work
        .catch(() => {})
        .then(() => stage.dispose?.())
        .then(ended.resolve, ended.reject);
      return released;
    };
    const attempt = async (method: () => void | Promise<void>): Promise<void> => {
      work = Promise.resolve().then(method);
      try {
        await work;
      } catch (error) {
        await release();
        throw error;
      }
    };
    return new TransformStream<I, O>(
      {
        transform: (chunk, controller) => attempt(() => stage.transform(chunk, controller)),
        async flush(controller) {
          await attempt(() => stage.flush?.(controller));
          await release();
        },
        async cancel(reason) {
          stage.cancel?.(reason);
          await release();
        },
      },
      undefined,
      new CountQueuingStrategy({ highWaterMark: readable }),
    );
  }

  /**
   * Waits until no stage owns anything or runs any more; call it once the pipe has ended. Rejects then
   * with the first thing that a dispose threw.
   */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#ends);
    await Promise.all(this.#ends);
  }
}
