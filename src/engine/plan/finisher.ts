/** Makes the frames that come out of a stream: from what its models made, or from what is shown in place of that. */
import type { PlainError } from "../../errors.ts";
import { Turns } from "../../streams/turns.ts";
import type { Frame } from "../codec/libav.ts";
import { PictureConverter } from "../codec/picture-converter.ts";
import type { PictureMemory } from "../codec/picture-memory.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { DataReport } from "../protocol/messages.ts";
import type { Size, StreamParams } from "../protocol/work.ts";
import { DataLabel } from "./data-label.ts";
import { Fallback } from "./fallback.ts";
import type { PlanJob, PlanResult } from "./plan-result.ts";
import { StandIn } from "./stand-in.ts";
import type { Loading } from "./stand-in-label.ts";

/** What the models made of a frame, and the data that was reported of it. */
export interface Inferred extends PlanResult {
  readonly values: DataReport["values"] | null;
}

export interface FinisherOptions {
  /** Gets the memory of pictures that have been shown. */
  readonly memory: PictureMemory;
  readonly calls: NativeCalls;
  /** Where the pictures of fallbacks lie. */
  readonly workspace: string;
  /** Called when a picture of a fallback cannot be shown, and with null when one can. */
  readonly onFallbackTrouble: (error: PlainError | null) => void;
}

/** Has converters of its own: it may work while other frames are prepared and inferred. */
export class Finisher implements AsyncDisposable {
  readonly #converter: PictureConverter;
  readonly #standIn: StandIn;
  readonly #fallback: Fallback;
  readonly #memory: PictureMemory;
  readonly #dataLabel = new DataLabel();
  /** Calls of the converter and of what draws over frames must not overlap. */
  readonly #turns = new Turns();

  constructor({ memory, calls, workspace, onFallbackTrouble: onTrouble }: FinisherOptions) {
    this.#memory = memory;
    this.#converter = new PictureConverter(calls);
    this.#standIn = new StandIn(this.#converter);
    this.#fallback = new Fallback({ calls, workspace, onTrouble });
  }

  /** Milliseconds that a frame may still wait for its model. */
  graceLeft(now: number): number {
    return this.#standIn.graceLeft(now);
  }

  /** Begins to decode the picture of the parameters' fallback, so that it is there when it is wanted. */
  prepareFallback(params: StreamParams, size: Size): void {
    this.#fallback.prepare(params, size);
  }

  /** The models' picture, or the frame where they make none, with their data in it if that is asked for. */
  async frameOf(job: PlanJob, inferred: Inferred): Promise<Frame> {
    return await this.#turns.run(() => this.#frameOf(job, inferred));
  }

  /** What is shown while there is no picture of a model; null where that is nothing. */
  async standInFor(job: PlanJob, loading: Loading | null): Promise<Frame | null> {
    if (job.params.fallback !== undefined) return await this.fallbackFor(job);
    return await this.#turns.run(() => this.#standIn.frameFor(job, loading));
  }

  /** A frame of the parameters' fallback. */
  async fallbackFor(job: PlanJob): Promise<Frame> {
    return await this.#fallback.frameFor(job);
  }

  async #frameOf(job: PlanJob, { picture, isKept, fit, values }: Inferred): Promise<Frame> {
    const plain =
      picture === null
        ? await this.#resized(job)
        : await this.#converter.toFrame(picture, job.size, fit);
    if (picture !== null && !isKept) this.#memory.give(picture);
    if (values !== null) this.#dataLabel.set(values);
    const labelled = await this.#dataLabel.onFrame(plain, job.params);
    this.#standIn.pictureMade();
    this.#fallback.drawn(labelled, job.params);
    return labelled;
  }

  async #resized({ frame, size, params }: PlanJob): Promise<Frame> {
    if (frame === null) throw new Error("the plan makes no picture");
    return await this.#converter.resize(frame, size, params.fit);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turns.settled();
    this.#dataLabel[Symbol.dispose]();
    this.#standIn[Symbol.dispose]();
    this.#converter[Symbol.dispose]();
    await this.#fallback[Symbol.asyncDispose]();
  }
}
