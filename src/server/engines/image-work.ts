/** One picture as work of an engine; its result is a promise. */
import type { WorkReport } from "../../engine/protocol/messages.ts";
import type { ImageJob, ImageResult, ImageStep, WorkOrder } from "../../engine/protocol/work.ts";
import { fromPlainError, type PlainError } from "../../errors.ts";
import type { Work } from "./work.ts";

/** A picture that a caller waits for. */
export interface ImageRequest {
  readonly image: ImageJob;
  /** Gives it up. */
  readonly signal: AbortSignal;
  /** Called as each step begins; from the first step again if another engine must make it. */
  readonly onStep: (step: ImageStep) => void;
}

export class ImageWork implements Work {
  readonly id = crypto.randomUUID();
  readonly #request: ImageRequest;
  readonly #result = Promise.withResolvers<ImageResult>();

  constructor(request: ImageRequest) {
    this.#request = request;
  }

  /** Rejects with the engine's error, or with the signal's reason as soon as it aborts. */
  get result(): Promise<ImageResult> {
    return this.#result.promise;
  }

  order(): WorkOrder {
    return { kind: "image", job: this.#request.image };
  }

  receive(report: WorkReport): void {
    switch (report.type) {
      case "step":
        if (!this.#request.signal.aborted) this.#request.onStep(report.step);
        return;
      case "made":
        this.#result.resolve(report.result);
        return;
      case "ended":
        this.lost(report.error); // after `made` it has no effect
        return;
      default:
        return;
    }
  }

  lost(error: PlainError = GIVEN_UP): void {
    this.#result.reject(fromPlainError(error));
  }

  interrupted(): void {}

  handedTo(): void {}

  /** The caller waits no longer. */
  abandon(): void {
    this.#result.reject(this.#request.signal.reason);
  }
}

const GIVEN_UP: PlainError = {
  kind: "engine_unavailable",
  message: "the picture was given up",
};
