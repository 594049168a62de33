/** Makes the frames that come out of a stream: from what its models made, or from what is shown in place of that. */
import type { Frame } from "../codec/libav.ts";
import { PictureConverter } from "../codec/picture-converter.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { DataReport } from "../protocol/messages.ts";
import { DataLabel } from "./data-label.ts";
import type { PlanJob, PlanResult } from "./plan-result.ts";
import { StandIn } from "./stand-in.ts";
import type { Loading } from "./stand-in-label.ts";

/** What the models made of a frame, and the data that was reported of it. */
export interface Inferred extends PlanResult {
  readonly values: DataReport["values"] | null;
}

/** Has a converter of its own: it may work while the next frame is prepared and inferred. Its calls must not overlap. */
export class Finisher implements Disposable {
  readonly #converter: PictureConverter;
  readonly #standIn: StandIn;
  readonly #dataLabel = new DataLabel();

  constructor(calls: NativeCalls) {
    this.#converter = new PictureConverter(calls);
    this.#standIn = new StandIn(this.#converter);
  }

  /** Milliseconds that a frame may still wait for its model. */
  graceLeft(now: number): number {
    return this.#standIn.graceLeft(now);
  }

  /** The models' picture, or the frame where they make none, with their data in it if that is asked for. */
  async frameOf(job: PlanJob, { picture, fit, values }: Inferred): Promise<Frame> {
    const plain =
      picture === null
        ? await this.#resized(job)
        : await this.#converter.toFrame(picture, job.size, fit);
    if (values !== null) this.#dataLabel.set(values);
    const labelled = await this.#dataLabel.onFrame(plain, job.params);
    this.#standIn.pictureMade();
    return labelled;
  }

  /** What is shown while there is no picture of a model; null where that is nothing. */
  async standInFor(job: PlanJob, loading: Loading | null): Promise<Frame | null> {
    return await this.#standIn.frameFor(job, loading);
  }

  async #resized({ frame, size, params }: PlanJob): Promise<Frame> {
    if (frame === null) throw new Error("the plan makes no picture");
    return await this.#converter.resize(frame, size, params.fit);
  }

  [Symbol.dispose](): void {
    this.#dataLabel[Symbol.dispose]();
    this.#standIn[Symbol.dispose]();
    this.#converter[Symbol.dispose]();
  }
}
