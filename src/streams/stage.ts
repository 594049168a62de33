/** Pipeline stages that own something native, which is released once and never during a call, however the stream ends. */

/**
 * One step of a pipeline. Its methods never run at the same time, except for `cancel`.
 *
 * ```ts
 * const resize = (converter: Converter): Stage<Frame, Frame> => ({
 *   async transform(frame, controller) {
 *     using input = frame; // a stage disposes what it takes
 *     controller.enqueue(await converter.resize(input));
 *   },
 *   dispose: () => converter.free(),
 * });
 * ```
 */
export interface Stage<I, O> {
  /** May enqueue any number of chunks. */
  transform(chunk: I, controller: TransformStreamDefaultController<O>): void | Promise<void>;
  /** Enqueues what is left when the input has ended. */
  flush?(controller: TransformStreamDefaultController<O>): void | Promise<void>;
  /** Makes work in progress stop early; `dispose` follows when it has stopped. */
  cancel?(reason: unknown): void;
  /** Runs once and last, after the end, an error or a cancellation. */
  dispose?(): void | Promise<void>;
}

/**
 * The stages of one pipeline; settles when all of them have released what they own.
 *
 * ```ts
 * const stages = new StageGroup();
 * try {
 *   await packets
 *     .pipeThrough(stages.add(decode(pool), 1)) // decodes the next frame while this one is encoded
 *     .pipeThrough(stages.add(encode(pool)))
 *     .pipeTo(output, { signal });
 * } finally {
 *   await stages.settled(); // no native call runs any more: the pool may go
 *   pool[Symbol.dispose]();
 * }
 * ```
 */
export class StageGroup {
  readonly #ends: Promise<void>[] = [];

  /**
   * The stage as a `TransformStream`. `readable` is how many finished chunks may wait in front of the next stage: with 0,
   * the default, neighbours take turns; with 1 they overlap.
   */
  add<I, O>(stage: Stage<I, O>, readable = 0): TransformStream<I, O> {
    const ended = Promise.withResolvers<void>();
    ended.promise.catch(() => {}); // reported by settled(), which may not have been called yet
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
      work = Promise.try(method);
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
   * Waits until every stage has stopped and released what it owns; call it once the pipe has ended. Rejects with the
   * first error that a `dispose` threw.
   */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#ends);
    await Promise.all(this.#ends);
  }
}
