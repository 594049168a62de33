/** The infer stage: puts every frame through the stream's models, and shows something else where they cannot run. */
import { toPlainError, type WorkerError } from "../../errors.ts";
import { pause } from "../../streams/pause.ts";
import type { Stage } from "../../streams/stage.ts";
import type { Frame } from "../codec/libav.ts";
import { PictureConverter } from "../codec/picture-converter.ts";
import { type FramePool, type Tick, VideoFrame } from "../codec/video-frame.ts";
import type { PipelineObserver } from "../pipeline-observer.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import { DEFAULT_SIZE, type Size, type StreamParams } from "../protocol/work.ts";
import { type PlanHost, type PlanJob, PlanRunner } from "./plan-runner.ts";
import { StandIn } from "./stand-in.ts";

export interface InferOptions {
  readonly host: PlanHost;
  readonly pool: FramePool;
  /** The stream: streams share the device's time by it. */
  readonly key: string;
  readonly calls?: NativeCalls;
  readonly hasInput: boolean;
  /** Called for every frame; returns the same object as long as nothing has changed. */
  readonly params: () => StreamParams;
  readonly observer: Pick<
    PipelineObserver,
    "frameInferred" | "frameDropped" | "frameSkipped" | "paramsApplied" | "modelReady" | "trouble"
  >;
}

/**
 * Takes decoded frames, or ticks where there is no input, and disposes them; gives yuv420p frames of the output's
 * size. Frames are to wait for `ready` in front of the stage, where newer ones replace them. While no model runs, is
 * paused, or fails, `StandIn` shows what there is instead.
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
  readonly #runner: PlanRunner;
  readonly #standIn: StandIn;
  #prepared: StreamParams | null = null;
  #preparing: Promise<unknown> = Promise.resolve();
  #waiting = false;
  #hasOutput = false;
  #applied: StreamParams | null = null;
  /** What is wrong with the models now. */
  #trouble: string | null = null;
  /** Why the models in use are older than their files. */
  #reloadError: WorkerError | null = null;

  constructor(options: InferOptions) {
    this.#options = options;
    this.#converter = new PictureConverter(options.calls);
    const [converter, signal] = [this.#converter, this.#stop.signal];
    this.#runner = new PlanRunner({ ...options, converter, signal });
    this.#standIn = new StandIn(this.#converter);
  }

  /** True until the first frame has come out, and while `ready` is pending: nobody misses a frame that is replaced now. */
  get isStarting(): boolean {
    return this.#waiting || !this.#hasOutput;
  }

  /** Begins to load what the parameters ask for, unless it has; returns the parameters. */
  prepare(): StreamParams {
    const { observer, params: current } = this.#options;
    const params = current();
    if (params === this.#prepared && !this.#runner.lost && !this.#runner.outdated) return params;
    this.#prepared = params;
    const ready = this.#runner.prepare(params).then(
      () => observer.modelReady(this.#runner.models.at(-1)?.executionProvider ?? null),
      (error) => this.#report(error),
    );
    this.#preparing = Promise.all([this.#preparing, ready]);
    return params;
  }

  /**
   * Prepares, and resolves when the next frame is wanted: a model runs, or none will (it
   * failed, or the stream is paused), or the load takes so long that something else should be shown.
   */
  async ready(): Promise<void> {
    const params = this.prepare();
    if (this.#runner.models.length > 0 || params.paused) return;
    const left = this.#standIn.graceLeft(performance.now());
    if (left <= 0) return;
    this.#waiting = true;
    const enough = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, enough.signal]);
    // Timers may fire a little early, and then the grace would not be over.
    await Promise.race([this.#preparing, pause(left + 2, signal)]);
    enough.abort();
    this.#waiting = false;
  }

  async transform(
    tick: Tick | VideoFrame,
    controller: TransformStreamDefaultController<VideoFrame>,
  ): Promise<void> {
    using input = tick instanceof VideoFrame ? tick : null;
    const { observer, pool } = this.#options;
    const params = this.prepare();
    const size = params.size ?? evenSize(input ?? DEFAULT_SIZE);
    const job = { frame: input?.native ?? null, pts: tick.pts, size, params };
    const frame =
      (await this.#infer(job)) ?? (await this.#standIn.frameFor(job, this.#runner.loading));
    this.#reportReload();
    if (!frame) return this.#hasOutput ? observer.frameDropped() : observer.frameSkipped();
    this.#hasOutput = true;
    controller.enqueue(pool.adopt(frame, tick));
    this.#reportApplied(params);
  }

  cancel(reason: unknown): void {
    this.#stop.abort(reason);
  }

  dispose(): void {
    this.#stop.abort(new DOMException("stream over", "AbortError"));
    this.#standIn[Symbol.dispose]();
    this.#converter[Symbol.dispose]();
  }

  /** The frame as the models draw it; null where none runs, or one fails. */
  async #infer(job: PlanJob): Promise<Frame | null> {
    if (this.#runner.models.length === 0 || job.params.paused) return null;
    try {
      const { frame, inferenceMs } = await this.#runner.run(job);
      this.#options.observer.frameInferred(inferenceMs);
      if (this.#trouble !== null) this.#options.observer.trouble("model", null);
      this.#trouble = null;
      this.#standIn.pictureMade();
      return frame;
    } catch (error) {
      this.#stop.signal.throwIfAborted();
      this.#report(error);
      return null;
    }
  }

  #report(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    const plain = toPlainError(error, "model_failed");
    if (plain.message !== this.#trouble) this.#options.observer.trouble("model", plain);
    this.#trouble = plain.message;
  }

  #reportReload(): void {
    const { reloadError } = this.#runner;
    if (reloadError === this.#reloadError) return;
    this.#reloadError = reloadError;
    this.#options.observer.trouble("model files", reloadError && toPlainError(reloadError));
  }

  #reportApplied(params: StreamParams): void {
    if (params === this.#applied || !this.#runner.runs(params)) return;
    this.#applied = params;
    this.#options.observer.paramsApplied(params);
  }
}

/** libx264 wants even sides in 4:2:0. */
const evenSize = (size: Size): Size => ({
  width: size.width & ~1,
  height: size.height & ~1,
});
