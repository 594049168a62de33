/** The infer stage: every frame through the stream's models, or past them where they cannot run. */
import { toPlainError, type WorkerError } from "../../errors.ts";
import { pause } from "../../streams/pause.ts";
import type { Stage } from "../../streams/stage.ts";
import type { Frame } from "../codec/libav.ts";
import { Overlay } from "../codec/overlay.ts";
import { PictureConverter } from "../codec/picture-converter.ts";
import { type FramePool, type Tick, VideoFrame } from "../codec/video-frame.ts";
import type { PipelineObserver } from "../pipeline-observer.ts";
import type { Size, StreamParams } from "../protocol/work.ts";
import type { ModelHost } from "./model-host.ts";
import { PlanRunner } from "./plan-runner.ts";
import { FAILED, loadingLabel } from "./stand-in-label.ts";

export interface InferOptions {
  readonly host: Pick<ModelHost, "acquire" | "loading">;
  readonly pool: FramePool;
  /** The stream: several share the device's time by it. */
  readonly key: string;
  readonly hasInput: boolean;
  /** Asked before every frame; the same object as long as nothing changed. */
  readonly params: () => StreamParams;
  readonly observer: Pick<
    PipelineObserver,
    "frameInferred" | "frameDropped" | "paramsApplied" | "modelReady" | "trouble"
  >;
}

/** Where neither input nor parameters tell a size. */
const DEFAULT_SIZE: Size = { width: 512, height: 512 };

/** So long the first frame waits for its model: what loads fast shows neither bare frames nor the overlay. */
const GRACE_MS = 500;

/**
 * Takes decoded frames, or ticks where there is no input, and disposes them; gives yuv420p frames of the
 * output's size. Where no model runs yet the frame waits for it, half a second at most; then frames pass
 * through under an overlay that tells of the load. While the stream is paused, and when a model fails, they
 * pass untouched. In place of a tick, which has no picture to pass, comes a dark card that says what is the
 * matter; none within the grace after a failure, nor while the stream is paused.
 */
export function infer(options: InferOptions): Stage<Tick | VideoFrame, VideoFrame> {
  const converter = new PictureConverter();
  const overlay = new Overlay();
  const stop = new AbortController();
  const runner = new PlanRunner({ ...options, converter, signal: stop.signal });
  let prepared: StreamParams | null = null;
  let preparing: Promise<unknown> = Promise.resolve();
  let applied: StreamParams | null = null;
  let trouble: string | null = null;
  let reloadError: WorkerError | null = null;
  /** When a picture was missing first; null while none is. */
  let missingSince: number | null = null;

  const report = (error: unknown): void => {
    if (stop.signal.aborted) return;
    const plain = toPlainError(error, "model_failed");
    if (plain.message !== trouble) options.observer.trouble("model", plain);
    trouble = plain.message;
  };
  const reportReload = (error: WorkerError | null): void => {
    if (error === reloadError) return;
    reloadError = error;
    options.observer.trouble("model files", error && toPlainError(error));
  };
  const prepare = (params: StreamParams): void => {
    if (params === prepared && !runner.lost && !runner.outdated) return;
    prepared = params;
    const ready = runner
      .prepare(params)
      .then(
        () => options.observer.modelReady(runner.models.at(-1)?.executionProvider ?? null),
        report,
      );
    preparing = Promise.all([preparing, ready]);
  };
  /** Until the model is there, has failed, or the grace is over. */
  const awaitModel = async (): Promise<void> => {
    missingSince ??= performance.now();
    const left = GRACE_MS - (performance.now() - missingSince);
    if (left <= 0) return;
    const enough = new AbortController();
    const signal = AbortSignal.any([stop.signal, enough.signal]);
    // Timers may fire a little early, and then the grace would not be over.
    await Promise.race([preparing, pause(left + 2, signal)]);
    enough.abort();
  };
  const work = async (input: VideoFrame | null, tick: Tick, params: StreamParams) => {
    const size = params.size ?? evenSize(input ?? DEFAULT_SIZE);
    if (runner.models.length > 0 && !params.paused) {
      try {
        const job = { frame: input?.native ?? null, pts: tick.pts, size, params };
        const { frame, inferenceMs } = await runner.run(job);
        options.observer.frameInferred(inferenceMs);
        if (trouble !== null) options.observer.trouble("model", null);
        trouble = null;
        missingSince = null;
        return frame;
      } catch (error) {
        stop.signal.throwIfAborted();
        report(error);
      }
    }
    return await standIn(input, size, params);
  };
  const standIn = async (
    input: VideoFrame | null,
    size: Size,
    { fit, paused }: StreamParams,
  ): Promise<Frame | null> => {
    const passed = input && (await converter.resize(input.native, size, fit));
    if (paused) {
      missingSince = null;
      return passed;
    }
    const now = performance.now();
    missingSince ??= now;
    if (now - missingSince < GRACE_MS) return passed;
    const { loading } = runner;
    const label = loading ? loadingLabel(loading, now) : FAILED;
    if (!passed) return await overlay.card(size, label);
    return loading ? await overlay.onFrame(passed, label) : passed;
  };

  return {
    async transform(tick, controller) {
      using input = tick instanceof VideoFrame ? tick : null;
      const params = options.params();
      prepare(params);
      if (runner.models.length === 0 && !params.paused) await awaitModel();
      const frame = await work(input, tick, params);
      reportReload(runner.reloadError);
      if (!frame) return options.observer.frameDropped();
      controller.enqueue(options.pool.adopt(frame, tick));
      if (params === applied || !runner.runs(params)) return;
      applied = params;
      options.observer.paramsApplied(params);
    },
    cancel: (reason) => stop.abort(reason),
    dispose: () => {
      stop.abort(new DOMException("stream over", "AbortError"));
      converter[Symbol.dispose]();
      overlay[Symbol.dispose]();
    },
  };
}

/** libx264 wants even sides in 4:2:0. */
const evenSize = (size: Size): Size => ({
  width: size.width & ~1,
  height: size.height & ~1,
});
