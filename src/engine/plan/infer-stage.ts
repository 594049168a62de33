/** The infer stage: puts every frame through the stream's models, and shows something else where they cannot run. */
import type { Ticks } from "../../media/time.ts";
import type { Stage } from "../../streams/stage.ts";
import { markerFor } from "../codec/frame-marker.ts";
import { PictureConverter } from "../codec/picture-converter.ts";
import { PictureMemory } from "../codec/picture-memory.ts";
import { type FramePool, type Tick, VideoFrame } from "../codec/video-frame.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { PipelineDebug } from "../protocol/debug.ts";
import { DEFAULT_SIZE, type Size, type StreamParams } from "../protocol/work.ts";
import { Bypass, type BypassLimits } from "./bypass.ts";
import { PlanExecutor, type PlanHost } from "./executor.ts";
import { Finisher } from "./finisher.ts";
import { FrameGate } from "./frame-gate.ts";
import { FrameRuns, type FrameRunsOptions } from "./frame-runs.ts";
import { FramesUnderWay } from "./frames-under-way.ts";
import { type OutputController, OutputFrames, type OutputFramesOptions } from "./output-frames.ts";
import type { PlanJob } from "./plan-result.ts";
import { Preparation, type PreparationOptions } from "./preparation.ts";

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
  /** Frames up to this time have been sent by another engine: viewers do not see those made here. Default: none. */
  readonly after?: Ticks | null;
  readonly bypassLimits?: BypassLimits;
  /** Called for every frame; returns the same object as long as nothing has changed. */
  readonly params: () => StreamParams;
  readonly observer: PreparationOptions["observer"] &
    FrameRunsOptions["observer"] &
    OutputFramesOptions["observer"];
}

/**
 * Takes decoded frames, or ticks where there is no input, and disposes them; gives yuv420p frames of the output's
 * size. Frames are to wait for `ready` in front of the stage, where newer ones replace them. `OutputFrames` chooses what
 * is shown for each: in a stream with a fallback, frames also pass by a run that takes too long. While the models run for
 * one frame, the picture of the one before is converted for the output, and shortly before they end the next frame is
 * converted for them. A single model has its next run waiting by then, so that the device need not stand idle between two
 * frames.
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
  readonly #runs: FrameRuns;
  readonly #gate: FrameGate;
  readonly #finisher: Finisher;
  readonly #bypass: Bypass;
  readonly #output: OutputFrames;
  readonly #underWay = new FramesUnderWay();

  constructor(options: InferOptions) {
    this.#options = options;
    const memory = new PictureMemory();
    const converter = new PictureConverter(options.calls, memory);
    const { signal } = this.#stop;
    const executor = new PlanExecutor({ ...options, converter, signal });
    const preparation = new Preparation({ ...options, executor, signal });
    const finisher = new Finisher({
      ...options,
      memory,
      onFallbackTrouble: (error) => options.observer.trouble("fallback", error),
    });
    const bypass = new Bypass(options.bypassLimits);
    const loading = () => executor.loading;
    const output = new OutputFrames({
      ...options,
      preparation,
      finisher,
      bypass,
      loading,
      signal,
    });
    this.#converter = converter;
    this.#executor = executor;
    this.#runs = new FrameRuns({ executor, observer: options.observer, signal });
    this.#gate = new FrameGate({ executor, preparation, finisher, bypass, output, signal });
    this.#finisher = finisher;
    this.#bypass = bypass;
    this.#output = output;
  }

  /** True until the first frame has come out, and while `ready` is pending: a frame that is replaced now is no loss. */
  get isStarting(): boolean {
    return this.#gate.isStarting;
  }

  /** The models in use, and the load that the stream waits for. */
  get debug(): Pick<PipelineDebug, "models" | "loading"> {
    const { models, loading } = this.#executor;
    const forMs = loading && Math.round(performance.now() - loading.since);
    return {
      models: models.map(({ definition: { name }, executionProvider: execution_provider }) => ({
        name,
        execution_provider,
      })),
      loading: loading && {
        model: loading.model,
        for_ms: forMs ?? 0,
        expected_ms: loading.expectedMs,
      },
    };
  }

  /** Begins to load what the parameters ask for, unless it has; returns the parameters. */
  prepare(): StreamParams {
    return this.#gate.prepare();
  }

  /** Prepares, and resolves when the next frame is wanted: see `FrameGate`. */
  ready(): Promise<void> {
    return this.#gate.ready();
  }

  async transform(tick: Tick | VideoFrame, controller: OutputController): Promise<void> {
    using owned = new DisposableStack();
    const input = tick instanceof VideoFrame ? owned.use(tick) : null;
    const takenAt = performance.now();
    this.#options.observer.waited("inference", takenAt - (input?.madeAt ?? tick.arrivedAt));
    const params = this.prepare();
    const size = params.size ?? evenSize(input ?? DEFAULT_SIZE);
    const frame = { frame: input?.native ?? null, pts: tick.pts, size, params };
    const outlet = { tick, controller };
    this.#finisher.prepareFallback(params, size);
    let turn = await this.#turnOf(frame, outlet);
    if (turn === "over") return;
    const underWay = this.#underWay;
    const ahead = underWay.running !== null && !params.paused;
    const inputs = this.#executor.inputsOf(frame, { ahead });
    for (let newest = params; turn === "open" && !inputs.isAhead && underWay.running !== null; ) {
      await this.#bypass.wait(underWay.running, newest);
      newest = this.prepare();
      turn = await this.#turnOf({ ...frame, params: newest }, outlet);
      if (turn === "over") return;
    }
    // After a frame that was too late the next is made however late it is: a stream that is always late still moves.
    const deadline = underWay.wasTooLate ? undefined : this.#options.deadlineOf(tick);
    const job = { ...frame, ...(deadline !== undefined && { deadline }) };
    const marker = markerFor(params.marker, tick);
    const { loading } = this.#executor;
    const inferred = this.#runs.run(job, inputs, takenAt);
    const ran = underWay.runs(inferred, inputs);
    const before = underWay.last;
    const finished = (async (frames: DisposableStack): Promise<void> => {
      using _frames = frames;
      try {
        await before;
        await this.#output.finish(job, inferred, { ...outlet, marker, loading });
      } finally {
        await ran; // it reads the frame
      }
    })(owned.move());
    underWay.add(finished, { inOrder: turn === "open" });
    if (turn === "passed") return;
    const next = async (): Promise<void> => {
      await before;
      await Promise.race([ran, this.#runs.next(inputs)]);
    };
    await this.#bypass.wait(next(), params);
  }

  async flush(): Promise<void> {
    await this.#underWay.finished();
    this.#bypass.dropLate();
  }

  cancel(reason: unknown): void {
    this.#stop.abort(reason);
  }

  async dispose(): Promise<void> {
    this.#stop.abort(new DOMException("stream over", "AbortError"));
    await this.#underWay.settled();
    this.#executor[Symbol.dispose]();
    await this.#finisher[Symbol.asyncDispose]();
    this.#bypass[Symbol.dispose]();
    this.#converter[Symbol.dispose]();
  }

  /**
   * Whether the frame's turn is still to come (`open`), or something was shown in its time: then it is `over`, or `passed`
   * where the models get it all the same, since nothing runs and viewers wait for a picture.
   */
  async #turnOf(
    job: PlanJob,
    outlet: { readonly tick: Tick; readonly controller: OutputController },
  ): Promise<"open" | "passed" | "over"> {
    const waits = this.#underWay.last !== null;
    const shown = await this.#output.pass(job, outlet, { waits });
    if (shown === null) return "open";
    if (shown === "late") return "over";
    this.#underWay.passedBy();
    return job.params.paused || this.#underWay.running !== null ? "over" : "passed";
  }
}

/** libx264 wants even sides in 4:2:0. */
const evenSize = (size: Size): Size => ({
  width: size.width & ~1,
  height: size.height & ~1,
});
