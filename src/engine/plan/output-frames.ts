/** Chooses what comes out of inference for each frame, in order: a model's picture, or what is shown in its place. */
import { toPlainError } from "../../errors.ts";
import type { Ticks } from "../../media/time.ts";
import { pause } from "../../streams/pause.ts";
import { drawMarker, markerFor } from "../codec/frame-marker.ts";
import { Frame } from "../codec/libav.ts";
import type { FramePool, Tick, VideoFrame } from "../codec/video-frame.ts";
import { TooLate } from "../device/job.ts";
import type { PipelineObserver } from "../pipeline-observer.ts";
import type { DropCause } from "../protocol/metrics.ts";
import type { FallbackReason } from "../protocol/showing.ts";
import type { StreamParams } from "../protocol/work.ts";
import type { Bypass } from "./bypass.ts";
import type { Finisher, Inferred } from "./finisher.ts";
import type { PlanJob } from "./plan-result.ts";
import type { Preparation } from "./preparation.ts";
import type { Loading } from "./stand-in-label.ts";
import { Viewing } from "./viewing.ts";

export interface OutputFramesOptions {
  readonly pool: FramePool;
  readonly finisher: Finisher;
  readonly bypass: Bypass;
  readonly preparation: Pick<Preparation, "report" | "frameMade">;
  /** Frames up to this time have been sent by another engine. */
  readonly after?: Ticks | null;
  /** The load that the stream waits for. */
  readonly loading: () => Loading | null;
  readonly observer: Pick<
    PipelineObserver,
    "frameMade" | "frameDropped" | "frameSkipped" | "runFailed" | "showing" | "trouble"
  >;
  /** Aborted when the stream is over. */
  readonly signal: AbortSignal;
}

/** A load or a wait for the first frame that is shorter is not reported. */
const SHORT_MS = 100;

/** Takes the frames that come out. */
export type OutputController = TransformStreamDefaultController<VideoFrame>;

/** Where a frame that is being made goes. */
export interface Outlet {
  readonly tick: Tick;
  /** The number to draw into it. */
  readonly marker: number | null;
  /** The load that the stream waited for when the frame was given to the models; it may have ended since. */
  readonly loading: Loading | null;
  readonly controller: OutputController;
}

/** A frame for viewers, or why there is none. `reason`: why it is not the model's picture; null if it is. */
interface Made {
  readonly frame: Frame | DropCause;
  readonly reason: FallbackReason | null;
}

export class OutputFrames {
  readonly #options: OutputFramesOptions;
  readonly #viewing: Viewing;
  #hasBegun = false;
  /** Why the last run failed. */
  #runError: string | null = null;
  /** What `waitFor` was called with last. */
  #awaited: Promise<void> | null = null;

  constructor(options: OutputFramesOptions) {
    this.#options = options;
    this.#viewing = new Viewing((now) => options.observer.showing(now));
  }

  /** True once a frame has come out. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** The stream is paused, or resumed. */
  paused(isPaused: boolean): void {
    this.#viewing.paused(isPaused);
  }

  /** Before the first frame: reports that the model is loading, until what was asked for last has settled. */
  async waitFor(prepared: Promise<void>): Promise<void> {
    if (prepared === this.#awaited) return;
    this.#awaited = prepared;
    const settled = new AbortController();
    const end = prepared.then(() => settled.abort());
    await pause(SHORT_MS, AbortSignal.any([settled.signal, this.#options.signal]));
    const isNewest = (): boolean => this.#awaited === prepared && !this.#options.signal.aborted;
    if (settled.signal.aborted || !isNewest()) return;
    this.#viewing.waits("loading");
    await end;
    await pause(SHORT_MS, this.#options.signal);
    if (isNewest()) this.#viewing.waits("starting");
  }

  /**
   * Shows something in the frame's time where it must not wait for the frames before it: the fallback, or the picture of
   * an earlier frame that others have passed by. Null: nothing, its turn is to come.
   *
   * @param waits the frames before it have not come out
   */
  async pass(
    job: PlanJob,
    { tick, controller }: Pick<Outlet, "tick" | "controller">,
    { waits }: { readonly waits: boolean },
  ): Promise<"fallback" | "late" | null> {
    const { bypass, finisher, preparation } = this.#options;
    const { params, pts } = job;
    if (!bypass.isOpen(params, { waits })) {
      const late = bypass.takeLate({ waits });
      if (late === null) return null;
      const { frame, arrivedAt } = late;
      this.#emit(frame, { tick: { pts, arrivedAt }, controller }, { reason: null, pts: late.pts });
      return "late";
    }
    bypass.pass(pts, params);
    const marker = markerFor(params.marker, tick);
    const frame = await finisher.fallbackFor(job);
    if (marker !== null) drawMarker(frame, marker);
    this.#emit(frame, { tick, controller }, { reason: this.#passReason, pts });
    if (params.paused) preparation.frameMade(params);
    return "fallback";
  }

  /** Shows what the models make of a frame, or what there is in its place, or counts it as lost. */
  async finish(job: PlanJob, inferred: Promise<Inferred | null>, outlet: Outlet): Promise<void> {
    const { bypass, preparation } = this.#options;
    const { frame, reason } = await this.#make(job, inferred, outlet);
    preparation.report();
    const isPassed = bypass.hasPassed(job.pts);
    if (!(frame instanceof Frame)) {
      if (!isPassed) this.#lose(frame, job.params);
      return;
    }
    if (outlet.marker !== null) drawMarker(frame, outlet.marker);
    preparation.frameMade(job.params);
    if (!isPassed) this.#emit(frame, outlet, { reason, pts: job.pts });
    else if (reason === null) {
      bypass.answered({ frame, pts: job.pts, arrivedAt: outlet.tick.arrivedAt });
    } else frame.free();
  }

  /** The models' picture, or its replacement where no model runs or one fails; a drop cause where nothing is shown. */
  async #make(
    job: PlanJob,
    inferred: Promise<Inferred | null>,
    { loading: before }: Outlet,
  ): Promise<Made> {
    const { observer, finisher, bypass, signal } = this.#options;
    try {
      const drawn = await inferred;
      if (drawn !== null) {
        const frame = await finisher.frameOf(job, drawn);
        if (this.#runError !== null) observer.trouble("model", null);
        this.#runError = null;
        return { frame, reason: null };
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof TooLate) return { frame: "late", reason: null };
      observer.runFailed();
      const plain = toPlainError(error, "model_failed");
      if (plain.message !== this.#runError) observer.trouble("model", plain);
      this.#runError = plain.message;
    }
    const loading = this.#options.loading() ?? before;
    const reason = loading === null ? "model_failed" : "loading";
    if (bypass.hasPassed(job.pts)) return { frame: "not_made", reason };
    return { frame: (await finisher.standInFor(job, loading)) ?? "not_made", reason };
  }

  /** Enqueues a frame: the models' picture of the frame at `pts`, or a replacement for the given reason. */
  #emit(
    frame: Frame,
    { tick, controller }: Pick<Outlet, "tick" | "controller">,
    { reason, pts }: { readonly reason: FallbackReason | null; readonly pts: Ticks },
  ): void {
    const { pool, bypass, observer } = this.#options;
    controller.enqueue(pool.adopt(frame, tick));
    this.#hasBegun = true;
    bypass.cameOut(reason === null ? pts : null);
    observer.frameMade(reason === null ? "model" : "fallback");
    if (tick.pts > (this.#options.after ?? Number.NEGATIVE_INFINITY)) this.#viewing.frame(reason);
  }

  #lose(cause: DropCause, { paused }: StreamParams): void {
    const { observer } = this.#options;
    if (this.#hasBegun && !paused) observer.frameDropped(cause);
    else observer.frameSkipped();
  }

  /** Why frames pass by the runs in progress. */
  get #passReason(): FallbackReason {
    if (this.#options.loading() !== null) return "loading";
    return this.#runError === null ? "stalled" : "model_failed";
  }
}
