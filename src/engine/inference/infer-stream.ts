/** The infer stage: every frame through the stream's models, or past them where they cannot run. */
import { type PlainError, toPlainError } from "../../errors.ts";
import type { Stage } from "../../streams/stage.ts";
import { PictureConverter } from "../codec/picture-converter.ts";
import { type FramePool, type Tick, VideoFrame } from "../codec/video-frame.ts";
import type { Size, StreamParams } from "../protocol.ts";
import type { ModelHost } from "./model-host.ts";
import { PlanRunner } from "./plan-runner.ts";

export interface InferOptions {
  readonly host: ModelHost;
  readonly pool: FramePool;
  /** The stream: frames of several take turns by it. */
  readonly key: string;
  readonly hasInput: boolean;
  /** Asked before every frame; the same object as long as nothing changed. */
  readonly params: () => StreamParams;
  readonly onInference: (ms: number) => void;
  /** A tick gave no picture. */
  readonly onDrop: () => void;
  /** The first frame made with these parameters has left. */
  readonly onApplied: (params: StreamParams) => void;
  /** What runs now; null while nothing does. */
  readonly onModel: (executionProvider: string | null) => void;
  /** A model failed and frames pass by it; told once, and null when one works again. */
  readonly onTrouble: (error: PlainError | null) => void;
}

/** Where neither input nor parameters tell a size. */
const DEFAULT_SIZE: Size = { width: 512, height: 512 };

/**
 * Takes decoded frames, or ticks where there is no input, and disposes them; gives yuv420p frames of the
 * output's size. While a model loads, while the stream is paused, and when a model fails, frames pass
 * through; a tick, which has no picture to pass, is left out.
 */
export function infer(options: InferOptions): Stage<Tick | VideoFrame, VideoFrame> {
  const converter = new PictureConverter();
  const stop = new AbortController();
  const runner = new PlanRunner({ ...options, converter, signal: stop.signal });
  let prepared: StreamParams | null = null;
  let applied: StreamParams | null = null;
  let trouble: string | null = null;

  const report = (error: unknown): void => {
    if (stop.signal.aborted) return;
    const plain = toPlainError(error, "model_failed");
    if (plain.message !== trouble) options.onTrouble(plain);
    trouble = plain.message;
  };
  const prepare = (params: StreamParams): void => {
    if (params === prepared && !runner.lost) return;
    prepared = params;
    runner
      .prepare(params)
      .then(() => options.onModel(runner.models.at(-1)?.executionProvider ?? null), report);
  };
  const work = async (input: VideoFrame | null, tick: Tick, params: StreamParams) => {
    const size = params.size ?? evenSize(input ?? DEFAULT_SIZE);
    if (runner.models.length > 0 && !params.paused) {
      try {
        const job = { frame: input?.native ?? null, pts: tick.pts, size, params };
        const { frame, inferenceMs } = await runner.run(job);
        options.onInference(inferenceMs);
        if (trouble !== null) options.onTrouble(null);
        trouble = null;
        return frame;
      } catch (error) {
        stop.signal.throwIfAborted();
        report(error);
      }
    }
    return input ? await converter.resize(input.native, size, params.fit) : null;
  };

  return {
    async transform(tick, controller) {
      using input = tick instanceof VideoFrame ? tick : null;
      const params = options.params();
      prepare(params);
      const frame = await work(input, tick, params);
      if (!frame) return options.onDrop();
      controller.enqueue(options.pool.adopt(frame, tick));
      if (params === applied || !runner.runs(params)) return;
      applied = params;
      options.onApplied(params);
    },
    cancel: (reason) => stop.abort(reason),
    dispose: () => {
      stop.abort(new DOMException("stream over", "AbortError"));
      converter[Symbol.dispose]();
    },
  };
}

/** libx264 wants even sides in 4:2:0. */
const evenSize = (size: Size): Size => ({
  width: size.width & ~1,
  height: size.height & ~1,
});
