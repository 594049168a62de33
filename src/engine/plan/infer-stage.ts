/** The infer stage: puts every frame through the stream's models, and shows something else where they cannot run. */
import { secondsFromTicks, type Ticks } from "../../media/time.ts";
import { pause } from "../../streams/pause.ts";
import type { Stage } from "../../streams/stage.ts";
import { markerFor } from "../codec/frame-marker.ts";
import { PictureConverter } from "../codec/picture-converter.ts";
import { PictureMemory } from "../codec/picture-memory.ts";
import { type FramePool, type Tick, VideoFrame } from "../codec/video-frame.ts";
import type { PipelineObserver } from "../pipeline-observer.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { PipelineDebug } from "../protocol/debug.ts";
import type { DataReport } from "../protocol/messages.ts";
import { DEFAULT_SIZE, type Size, type StreamParams } from "../protocol/work.ts";
import { Bypass, type BypassLimits } from "./bypass.ts";
import { dataReport } from "./data-values.ts";
import { PlanExecutor, type PlanHost } from "./executor.ts";
import { Finisher, type Inferred } from "./finisher.ts";
import type { FrameInputs } from "./frame-inputs.ts";
import { FramesUnderWay } from "./frames-under-way.ts";
import { type OutputController, OutputFrames } from "./output-frames.ts";
import type { PlanJob, PlanResult } from "./plan-result.ts";
import { Preparation } from "./preparation.ts";
import { RunPace } from "./run-pace.ts";
import { TextReports } from "./text-reports.ts";

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
  readonly #preparation: Preparation;
  readonly #finisher: Finisher;
  readonly #bypass: Bypass;
  readonly #output: OutputFrames;
  readonly #underWay = new FramesUnderWay();
  readonly #pace = new RunPace();
  readonly #texts = new TextReports();
  #waiting = false;
  /** Whether the stream was paused when it was looked at last. */
  #isPaused = false;
  #fallback: StreamParams["fallback"];

  constructor(options: InferOptions) {
    this.#options = options;
    const memory = new PictureMemory();
    this.#converter = new PictureConverter(options.calls, memory);
    const [converter, signal] = [this.#converter, this.#stop.signal];
    this.#executor = new PlanExecutor({ ...options, converter, signal });
    const preparation = new Preparation({ ...options, executor: this.#executor, signal });
    const finisher = new Finisher({
      ...options,
      memory,
      onFallbackTrouble: (error) => options.observer.trouble("fallback", error),
    });
    const bypass = new Bypass(options.bypassLimits);
    const loading = () => this.#executor.loading;
    this.#output = new OutputFrames({
      ...options,
      preparation,
      finisher,
      bypass,
      loading,
      signal,
    });
    this.#preparation = preparation;
    this.#finisher = finisher;
    this.#bypass = bypass;
  }

  /** True until the first frame has come out, and while `ready` is pending: a frame that is replaced now is no loss. */
  get isStarting(): boolean {
    return this.#waiting || !this.#output.hasBegun;
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
    const params = this.#preparation.begin();
    if (!this.#output.hasBegun) void this.#output.waitFor(this.#preparation.settled);
    if (params.paused !== this.#isPaused) {
      this.#isPaused = params.paused;
      this.#output.paused(params.paused);
      if (params.paused) this.#bypass.paused();
    }
    if (params.fallback !== this.#fallback) {
      this.#fallback = params.fallback;
      this.#bypass.fallbackChanged();
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
    if (left <= 0 || this.#bypass.isStalled) return;
    this.#waiting = true;
    const enough = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, enough.signal]);
    using _pause = this.#bypass.onPause(() => enough.abort());
    // Timers may fire a little early, and then the grace would not be over.
    await Promise.race([this.#preparation.settled, pause(left + 2, signal)]);
    enough.abort();
    this.#waiting = false;
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
    const inferred = this.#infer(job, inputs, takenAt);
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
      await Promise.race([ran, this.#pace.next(inputs, this.#stop.signal)]);
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

/** libx264 wants even sides in 4:2:0. */
const evenSize = (size: Size): Size => ({
  width: size.width & ~1,
  height: size.height & ~1,
});
