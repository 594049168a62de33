/** One stream through the engine's pipeline, fed as fast as its frames come out or at the rate of the clip. */
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import { Pipeline, type PipelineOptions } from "../../src/engine/pipeline.ts";
import type { PipelineObserver } from "../../src/engine/pipeline-observer.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import { demux } from "../../src/engine/source/demux.ts";
import { Timeline } from "../../src/engine/source/timeline.ts";
import { ClosedLoop, IN_FLIGHT, PacedLoop, type StreamLoop } from "./stream-loops.ts";

export const UNOBSERVED: PipelineObserver = {
  frameIn() {},
  frameDecoded() {},
  audioIn() {},
  frameDropped() {},
  frameSkipped() {},
  frameInferred() {},
  runFailed() {},
  frameMade() {},
  showing() {},
  stageTook() {},
  waited() {},
  frameUnpublished() {},
  audioOut() {},
  paramsApplied() {},
  paramsRefused() {},
  programChanged() {},
  modelReady() {},
  data() {},
  trouble() {},
};

export interface BenchStreamOptions {
  readonly host: ModelHost;
  /** The clip's frames, in the order in which they are played. */
  readonly units: readonly Uint8Array[];
  readonly model: string;
  /** Device time is charged to it. */
  readonly key: string;
}

/** Runs from its construction until the clip has ended or `stop` is called. */
export class BenchStream {
  /** Settles when the stream has ended; rejects if it failed, or if a frame was dropped. */
  readonly done: Promise<void>;
  /** Device time charged for each frame, in ms. */
  readonly inferenceMs: number[] = [];
  readonly #loop = new ClosedLoop();
  readonly #stop = new AbortController();

  constructor(options: BenchStreamOptions) {
    this.done = this.#run(options);
  }

  /** Frames and bytes that have come out. */
  get taken(): { readonly frames: number; readonly bytes: number } {
    return this.#loop.taken;
  }

  /** Feeds no more frames; resolves when those that are under way have come out. */
  async pause(): Promise<void> {
    await this.#loop.pause();
  }

  resume(): void {
    this.#loop.resume();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new DOMException("the benchmark is over", "AbortError"));
    await this.done;
  }

  async #run(options: BenchStreamOptions): Promise<void> {
    const params = paramsOf(options.model);
    const failures: string[] = [];
    await runPipeline(options, {
      loop: this.#loop,
      params: () => params,
      frameQueue: IN_FLIGHT,
      maxFrameAgeMs: Number.POSITIVE_INFINITY,
      signal: this.#stop.signal,
      // Those that wait when the stream is stopped are dropped as well.
      frameDropped: () => this.#stop.signal.aborted || failures.push("a frame was dropped"),
      frameInferred: (ms) => this.inferenceMs.push(ms),
      failures,
    });
    if (failures.length > 0) throw new Error(failures.join("; "));
  }
}

/** As `BenchStream`, at the clip's rate and with the server's limits on frames that wait; parameters may change. */
export class PacedStream {
  /** Settles when the clip has ended; rejects if the stream failed. */
  readonly done: Promise<void>;
  readonly inferenceMs: number[] = [];
  readonly loop = new PacedLoop();
  /** The number of frames inferred before each one that was dropped. */
  readonly droppedAt: number[] = [];
  params: StreamParams;

  constructor(options: BenchStreamOptions) {
    this.params = paramsOf(options.model);
    this.done = this.#run(options);
  }

  async #run(options: BenchStreamOptions): Promise<void> {
    const failures: string[] = [];
    await runPipeline(options, {
      loop: this.loop,
      params: () => this.params,
      frameQueue: 1,
      maxFrameAgeMs: 500,
      signal: new AbortController().signal,
      frameDropped: () => this.droppedAt.push(this.inferenceMs.length),
      frameInferred: (ms) => this.inferenceMs.push(ms),
      failures,
    });
    if (failures.length > 0) throw new Error(failures.join("; "));
  }
}

function paramsOf(model: string): StreamParams {
  return { model, prompts: [], fit: "cover", paused: false, model_params: {} };
}

interface RunOptions
  extends Pick<PipelineObserver, "frameInferred">,
    Pick<PipelineOptions, "frameQueue" | "maxFrameAgeMs" | "params" | "signal"> {
  readonly loop: StreamLoop;
  readonly frameDropped: () => unknown;
  /** Takes what goes wrong. */
  readonly failures: string[];
}

/** Runs until the clip has ended or the signal is aborted. */
async function runPipeline(
  { host, units, key }: BenchStreamOptions,
  { loop, frameDropped, frameInferred, failures, ...limits }: RunOptions,
): Promise<void> {
  const calls = UNRECORDED_CALLS;
  const pipeline = new Pipeline({
    host,
    key,
    calls,
    workspace: "/nonexistent",
    ...limits,
    source: {
      kind: "input",
      packets: demux(loop.source(units), {
        timeline: new Timeline(null),
        calls,
        observer: UNOBSERVED,
      }),
      audio: "none",
    },
    output: loop.sink(),
    container: "fmp4",
    segmentSeconds: 1,
    after: null,
    observer: {
      ...UNOBSERVED,
      frameInferred,
      frameDropped: () => void frameDropped(),
      trouble: (_part, error) => error && failures.push(error.message),
    },
  });
  try {
    await pipeline.run();
  } catch (error) {
    if (!limits.signal.aborted) throw error;
  }
}
