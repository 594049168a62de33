/** Pictures that wait for an engine: each engine makes one at a time, in the order they were asked for. */
import type { ImageResult } from "../../engine/protocol/work.ts";
import type { EnginePool } from "./engine-pool.ts";
import { type ImageRequest, ImageWork } from "./image-work.ts";
import type { Supervisor } from "./supervisor.ts";

/** `given_up`: its caller left, or its time was over. */
export const IMAGE_OUTCOMES = ["made", "failed", "given_up"] as const;
export type ImageOutcome = (typeof IMAGE_OUTCOMES)[number];

export interface ImageObserver {
  /** A picture was made or not, this long after it was asked for. */
  imageEnded(outcome: ImageOutcome, ms: number): void;
}

export interface ImageQueueOptions {
  readonly pool: Pick<EnginePool, "leastLoaded">;
  /** Gives the picture to this engine. */
  readonly place: (work: ImageWork, home: Supervisor) => void;
  readonly stop: (work: ImageWork) => void;
  readonly observer: ImageObserver | undefined;
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

  /** Throws the engine's refusal, and the reason of the request's signal. */
  async make(request: ImageRequest): Promise<ImageResult> {
    const begun = performance.now();
    const ended = (outcome: ImageOutcome): void =>
      this.#options.observer?.imageEnded(outcome, performance.now() - begun);
    try {
      const result = await this.#make(request);
      ended("made");
      return result;
    } catch (error) {
      ended(request.signal.aborted ? "given_up" : "failed");
      throw error;
    }
  }

  /** Starts what the engines can take now. */
  serve(): void {
    for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
      const free = this.#options.pool.leastLoaded(makesNone);
      if (free === undefined) return;
      this.#options.place(next, free);
      this.#waiting.shift();
    }
  }

  async #make(request: ImageRequest): Promise<ImageResult> {
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
}

const makesNone = ({ status, placements }: Supervisor): boolean =>
  status === "ready" && !placements.works.some((work) => work instanceof ImageWork);
