/** One stream through the engine's pipeline, fed as fast as its frames come out. */
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import { Pipeline } from "../../src/engine/pipeline.ts";
import type { PipelineObserver } from "../../src/engine/pipeline-observer.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import { demux } from "../../src/engine/source/demux.ts";
import { Timeline } from "../../src/engine/source/timeline.ts";
import { ClosedLoop, IN_FLIGHT } from "./closed-loop.ts";

const UNOBSERVED: PipelineObserver = {
  frameIn() {},
  frameDecoded() {},
  audioIn() {},
  frameDropped() {},
  frameSkipped() {},
  frameInferred() {},
  frameUnpublished() {},
  audioOut() {},
  paramsApplied() {},
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

  async #run({ host, units, model, key }: BenchStreamOptions): Promise<void> {
    const params: StreamParams = {
      ...{ model, prompts: [], fit: "cover", paused: false, model_params: {} },
    };
    const failures: string[] = [];
    const calls = UNRECORDED_CALLS;
    const pipeline = new Pipeline({
      ...{ host, key, calls },
      source: {
        kind: "input",
        packets: demux(this.#loop.source(units), {
          timeline: new Timeline(null),
          calls,
          observer: UNOBSERVED,
        }),
        audio: "none",
      },
      output: this.#loop.sink(),
      container: "fmp4",
      segmentSeconds: 1,
      after: null,
      frameQueue: IN_FLIGHT,
      maxFrameAgeMs: Number.POSITIVE_INFINITY,
      params: () => params,
      signal: this.#stop.signal,
      observer: {
        ...UNOBSERVED,
        // Those that wait when the stream is stopped are dropped as well.
        frameDropped: () => this.#stop.signal.aborted || failures.push("a frame was dropped"),
        frameInferred: (ms) => this.inferenceMs.push(ms),
        trouble: (_part, error) => error && failures.push(error.message),
      },
    });
    try {
      await pipeline.run();
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    }
    if (failures.length > 0) throw new Error(failures.join("; "));
  }
}
