/** The infer stage: puts every frame through the stream's models, and shows something else where they cannot run. */
import { type PlainError, toPlainError } from "../../errors.ts";
import { secondsFromTicks } from "../../media/time.ts";
import { pause } from "../../streams/pause.ts";
import type { Stage } from "../../streams/stage.ts";
import { drawMarker, markerFor } from "../codec/frame-marker.ts";
import { Frame } from "../codec/libav.ts";
import { PictureConverter } from "../codec/picture-converter.ts";
import { type FramePool, type Tick, VideoFrame } from "../codec/video-frame.ts";
import { TooLate } from "../device/job.ts";
import type { PipelineObserver } from "../pipeline-observer.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { PipelineDebug } from "../protocol/debug.ts";
import type { DataReport, FallbackReason } from "../protocol/messages.ts";
import type { DropCause } from "../protocol/metrics.ts";
import { DEFAULT_SIZE, type Size, type StreamParams } from "../protocol/work.ts";
import { Bypass, type BypassLimits } from "./bypass.ts";
import { dataReport } from "./data-values.ts";
import { PlanExecutor, type PlanHost } from "./executor.ts";
import { Fallback } from "./fallback.ts";
import { Finisher, type Inferred } from "./finisher.ts";
import type { FrameInputs } from "./frame-inputs.ts";
import type { PlanJob, PlanResult } from "./plan-result.ts";
import { Preparation } from "./preparation.ts";
import { RunPace } from "./run-pace.ts";
import { TextReports } from "./text-reports.ts";
import { Viewing } from "./viewing.ts";

type Controller = TransformStreamDefaultController<VideoFrame>;

export interface InferOptions {
  readonly host: PlanHost;
  readonly pool: FramePool;
  /** The stream: streams share the device's time by it. */
  readonly key: string;
  readonly calls: NativeCalls;
  readonly hasInput: boolean;
  /** `performance.now()` after which a frame is worth nothing. */
  readonly deadlineOf: (tick: Tick) => number;
  /** Where the pictures of fallbacks lie. */
  readonly workspace: string;
  readonly bypassLimits?: BypassLimits;
  /** Called for every frame; returns the same object as long as nothing has changed. */
  readonly params: () => StreamParams;
  readonly observer: Pick<
    PipelineObserver,
    | "frameInferred"
    | "waited"
    | "frameDropped"
    | "frameSkipped"
    | "paramsApplied"
    | "paramsRefused"
    | "programChanged"
    | "modelReady"
    | "frameMade"
    | "runFailed"
    | "showing"
    | "trouble"
    | "data"
  >;
}

/**
 * Takes decoded frames, or ticks where there is no input, and disposes them; gives yuv420p frames of the output's
 * size. Frames are to wait for `ready` in front of the stage, where newer ones replace them. While no model runs, is
 * paused, or fails, `StandIn` or the stream's `Fallback` shows what there is instead; where there is a fallback, frames
 * also pass by a run that takes too long. While the models run for one frame, the picture of the one
 * before is converted for the output, and shortly before they end the next frame is converted for them. A single model
 * has its next run waiting by then, so that the device need not stand idle between two frames.
 *
 * ```ts
 * const inference = new InferStage(options);
 * frames.pipeThrough(newest({ ...queue, ready: () => inference.ready() })).pipeThrough(stages.add(inference, 1));
 * ```
 */
export class InferStage implements Stage<Tick | VideoFrame, VideoFrame> {
  readonly #options: InferOptions;
  readonly #stop = new AbortController();
  readonly #converter: PictureConverter;
  readonly #executor: PlanExecutor;
  readonly #preparation: Preparation;
  readonly #finisher: Finisher;
  /** Settles when the last frame that was inferred has come out. */
  #finishing: Promise<void> = Promise.resolve();
  /** Settles when the last run has ended; null while none is in progress. */
  #running: Promise<void> | null = null;
  readonly #pace = new RunPace();
  readonly #texts = new TextReports();
  #waiting = false;
  #hasOutput = false;
  /** The last frame was too late. The next is made however late it is, so that a stream that is always late still moves. */
  #wasTooLate = false;
  /** Why the last run failed. */
  #runError: string | null = null;
  readonly #bypass: Bypass;
  readonly #fallback: Fallback;
  readonly #viewing: Viewing;
  /** Whether the stream was paused when it was looked at last. */
  #isPaused = false;

  constructor(options: InferOptions) {
    this.#options = options;
    this.#converter = new PictureConverter(options.calls);
    const [converter, signal] = [this.#converter, this.#stop.signal];
    this.#executor = new PlanExecutor({ ...options, converter, signal });
    this.#preparation = new Preparation({ ...options, executor: this.#executor, signal });
    this.#finisher = new Finisher(options.calls);
    this.#bypass = new Bypass(options.bypassLimits);
    this.#viewing = new Viewing((now) => options.observer.showing(now));
    const onTrouble = (error: PlainError | null) => options.observer.trouble("fallback", error);
    this.#fallback = new Fallback({ ...options, onTrouble });
  }

  /** True until the first frame has come out, and while `ready` is pending: a frame that is replaced now is no loss. */
  get isStarting(): boolean {
    return this.#waiting || !this.#hasOutput;
  }

  /** The models in use, and the load that the stream waits for. */
  get debug(): Pick<PipelineDebug, "models" | "loading"> {
    const { models, loading } = this.#executor;
    const forMs = loading && Math.round(performance.now() - loading.since);
    return {
      models: models.map(({ definition: { name }, executionProvider: execution_provider }) => ({
        ...{ name, execution_provider },
      })),
      loading: loading && {
        ...{ model: loading.model, for_ms: forMs ?? 0, expected_ms: loading.expectedMs },
      },
    };
  }

  /** Begins to load what the parameters ask for, unless it has; returns the parameters. */
  prepare(): StreamParams {
    const params = this.#preparation.begin();
    if (params.paused !== this.#isPaused) {
      this.#isPaused = params.paused;
      this.#viewing.paused(params.paused);
      if (params.paused) this.#bypass.paused();
    }
    return params;
  }

  /**
   * Prepares, and resolves when the next frame is wanted: a model runs, or none will (it
   * failed, or the stream is paused), or the load takes so long that something else should be shown.
   */
  async ready(): Promise<void> {
    const params = this.prepare();
    if (this.#executor.models.length > 0 || params.paused) return;
    const left = this.#finisher.graceLeft(performance.now());
    if (left <= 0) return;
    this.#waiting = true;
    const enough = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, enough.signal]);
    using _pause = this.#bypass.onPause(() => enough.abort());
    // Timers may fire a little early, and then the grace would not be over.
    await Promise.race([this.#preparation.settled, pause(left + 2, signal)]);
    enough.abort();
    this.#waiting = false;
  }

  async transform(tick: Tick | VideoFrame, controller: Controller): Promise<void> {
    using owned = new DisposableStack();
    const input = tick instanceof VideoFrame ? owned.use(tick) : null;
    const takenAt = performance.now();
    this.#options.observer.waited("inference", takenAt - (input?.madeAt ?? tick.arrivedAt));
    const params = this.prepare();
    const size = params.size ?? evenSize(input ?? DEFAULT_SIZE);
    const frame = { frame: input?.native ?? null, pts: tick.pts, size, params };
    this.#fallback.prepare(params, size);
    if (await this.#passes(frame, tick, controller)) return;
    const inputs = this.#executor.inputsOf(frame, { ahead: this.#running !== null });
    if (!inputs.isAhead && this.#running !== null) {
      await this.#bypass.wait(this.#running, params);
      if (await this.#passes({ ...frame, params: this.prepare() }, tick, controller)) return;
    }
    const deadline = this.#wasTooLate ? undefined : this.#options.deadlineOf(tick);
    const job = { ...frame, ...(deadline !== undefined && { deadline }) };
    const marker = markerFor(params.marker, tick);
    const inferred = this.#infer(job, inputs, takenAt);
    const ran = this.#begun(inferred, inputs);
    const before = this.#finishing;
    const finish = async (frames: DisposableStack): Promise<void> => {
      using _frames = frames;
      try {
        await before;
        await this.#finish(job, inferred, { tick, marker, controller });
      } finally {
        await ran; // it reads the frame
      }
    };
    this.#finishing = finish(owned.move());
    this.#finishing.catch(() => {}); // the next frame, or the end of the stream, reports it
    const next = async (): Promise<void> => {
      await before;
      await Promise.race([ran, this.#pace.next(inputs, this.#stop.signal)]);
    };
    await this.#bypass.wait(next(), params);
  }

  async flush(): Promise<void> {
    await this.#finishing;
    this.#bypass.dropLate();
  }

  cancel(reason: unknown): void {
    this.#stop.abort(reason);
  }

  async dispose(): Promise<void> {
    this.#stop.abort(new DOMException("stream over", "AbortError"));
    await this.#finishing.catch(() => {});
    this.#executor[Symbol.dispose]();
    this.#finisher[Symbol.dispose]();
    this.#bypass[Symbol.dispose]();
    await this.#fallback[Symbol.asyncDispose]();
    this.#converter[Symbol.dispose]();
  }

  /** Notes whether a run comes too late; settles when it ends, without an error. */
  #begun(inferred: Promise<unknown>, inputs: FrameInputs): Promise<void> {
    void inputs.begun.then(() => {
      this.#wasTooLate = false;
    });
    const late = inferred.then(
      () => false,
      (error) => error instanceof TooLate,
    );
    const ran = late.then((isTooLate) => {
      // Of one that has begun it is known; the next may have been refused since.
      if (inputs.begunAt === null) this.#wasTooLate = isTooLate;
      if (this.#running === ran) this.#running = null;
    });
    this.#running = ran;
    return ran;
  }

  /** What the models make of the frame; null where none runs. */
  async #infer(job: PlanJob, inputs: FrameInputs, takenAt: number): Promise<Inferred | null> {
    await inputs.settled();
    if (this.#executor.models.length === 0 || job.params.paused) return null;
    const result = await this.#executor.run(job, inputs);
    if (result.inferenceMs > 0) {
      const { observer } = this.#options;
      observer.frameInferred(result.inferenceMs, job.params.model);
      if (inputs.begunAt !== null) observer.waited("device", inputs.begunAt - takenAt);
      this.#pace.ended(inputs, performance.now());
    }
    return { ...result, values: this.#reportData(job, result) };
  }

  /**
   * Shows the fallback for a frame that passes by what runs, or in its place the picture of a run that frames have passed
   * by; false where the frame is still to be given to the models.
   */
  async #passes(job: PlanJob, tick: Tick, controller: Controller): Promise<boolean> {
    const { params, pts } = job;
    const running = this.#running;
    if (!this.#bypass.isOpen(params, running)) {
      const late = this.#bypass.takeLate();
      if (late === null) return false;
      this.#emit(late.frame, { pts, arrivedAt: late.arrivedAt }, { reason: null, controller });
      return true;
    }
    this.#bypass.pass(pts, params);
    const marker = markerFor(params.marker, tick);
    const frame = await this.#fallback.frameFor(job);
    if (marker !== null) drawMarker(frame, marker);
    this.#emit(frame, tick, { reason: this.#reasonOr("stalled"), controller });
    if (params.paused) this.#preparation.frameMade(params);
    return params.paused || running !== null;
  }

  /** Lets come out what the models make of the frame, or what is shown in its place; or counts it as lost. */
  async #finish(
    job: PlanJob,
    inferred: Promise<Inferred | null>,
    { tick, marker, controller }: Finishing,
  ): Promise<void> {
    const { observer } = this.#options;
    const made = await this.#frameOf(job, inferred);
    this.#preparation.report();
    if (!(made.frame instanceof Frame)) {
      if (this.#bypass.hasPassed(job.pts)) return; // viewers have seen something else
      if (this.#hasOutput && !job.params.paused) observer.frameDropped(made.frame);
      else observer.frameSkipped();
      return;
    }
    if (made.reason === null) this.#fallback.drawn(made.frame, job.params);
    if (marker !== null) drawMarker(made.frame, marker);
    this.#preparation.frameMade(job.params);
    if (!this.#bypass.hasPassed(job.pts)) {
      this.#emit(made.frame, tick, { reason: made.reason, controller });
    } else if (made.reason === null) {
      this.#bypass.answered({ frame: made.frame, arrivedAt: tick.arrivedAt }, job.pts);
    } else made.frame.free();
  }

  /** As the models draw it, or what is shown where none runs, or one fails; the cause where that is nothing. */
  async #frameOf(job: PlanJob, inferred: Promise<Inferred | null>): Promise<Shown> {
    const { observer } = this.#options;
    try {
      const made = await inferred;
      if (made !== null) {
        const frame = await this.#finisher.frameOf(job, made);
        if (this.#runError !== null) observer.trouble("model", null);
        this.#runError = null;
        return { frame, reason: null };
      }
    } catch (error) {
      this.#stop.signal.throwIfAborted();
      if (error instanceof TooLate) return { frame: "late", reason: null };
      observer.runFailed();
      const plain = toPlainError(error, "model_failed");
      if (plain.message !== this.#runError) observer.trouble("model", plain);
      this.#runError = plain.message;
    }
    if (this.#bypass.hasPassed(job.pts)) return { frame: "not_made", reason: null };
    const reason = this.#reasonOr("model_failed");
    const frame =
      job.params.fallback === undefined
        ? await this.#finisher.standInFor(job, this.#executor.loading)
        : await this.#fallback.frameFor(job);
    return { frame: frame ?? "not_made", reason };
  }

  /** Why no model's picture is shown. */
  #reasonOr(reason: "model_failed" | "stalled"): FallbackReason {
    if (this.#executor.loading !== null) return "loading";
    return this.#runError === null ? reason : "model_failed";
  }

  /** Hands a frame to the next stage: a model's, or for the reason given another one. */
  #emit(
    frame: Frame,
    time: Tick,
    {
      reason,
      controller,
    }: { readonly reason: FallbackReason | null; readonly controller: Controller },
  ): void {
    const { pool, observer } = this.#options;
    controller.enqueue(pool.adopt(frame, time));
    this.#hasOutput = true;
    this.#bypass.cameOut();
    observer.frameMade(reason === null ? "model" : "fallback");
    this.#viewing.frame(reason);
  }

  #reportData({ pts }: PlanJob, result: PlanResult): DataReport["values"] | null {
    const model = this.#executor.models.at(-1);
    if (model === undefined) return null;
    const seconds = secondsFromTicks(pts);
    const texts = this.#texts.due(result.texts ?? {}, seconds);
    const values = dataReport(model.definition, { data: result.data, texts });
    if (values === null) return null;
    this.#options.observer.data({ seconds, model: model.definition.name, values });
    return values;
  }
}

/** A frame for viewers, or why there is none. `reason`: why it is no model's; null for a model's. */
interface Shown {
  readonly frame: Frame | DropCause;
  readonly reason: FallbackReason | null;
}

interface Finishing {
  readonly tick: Tick;
  readonly marker: number | null;
  readonly controller: Controller;
}

/** libx264 wants even sides in 4:2:0. */
const evenSize = (size: Size): Size => ({
  width: size.width & ~1,
  height: size.height & ~1,
});
