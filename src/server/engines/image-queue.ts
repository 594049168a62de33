/** Pictures that wait for an engine: each engine makes one at a time, in the order they were asked for. */
import type { ImageResult } from "../../engine/protocol/work.ts";
import { type ImageRequest, ImageWork } from "./image-work.ts";

export interface ImageQueueOptions {
  /** Starts the picture on an engine that makes none; returns false where there is no such engine. */
  readonly start: (work: ImageWork) => boolean;
  readonly stop: (work: ImageWork) => void;
}

export class ImageQueue {
  readonly #options: ImageQueueOptions;
  readonly #waiting: ImageWork[] = [];

  constructor(options: ImageQueueOptions) {
    this.#options = options;
  }

  /** Pictures that no engine has begun. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Throws what the engine refuses the picture for, and the reason of the request's signal. */
  async make(request: ImageRequest): Promise<ImageResult> {
    const { signal } = request;
    signal.throwIfAborted();
    const work = new ImageWork(request);
    const giveUp = () => {
      const at = this.#waiting.indexOf(work);
      if (at >= 0) this.#waiting.splice(at, 1);
      work.abandon();
      this.#options.stop(work);
    };
    signal.addEventListener("abort", giveUp, { once: true });
    this.#waiting.push(work);
    this.serve();
    try {
      return await work.result;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  /** Starts what the engines can take now. */
  serve(): void {
    for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
      if (!this.#options.start(next)) return;
      this.#waiting.shift();
    }
  }
}
