/** Runs one stream whose channels are open: its source, its pipeline, and the watches for an input without pictures and a slow model. */
import type { Fragment } from "../../media/fragment.ts";
import type { ModelHost } from "../device/model-host.ts";
import { Pipeline, type Source } from "../pipeline.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { EngineOptions } from "../protocol/messages.ts";
import type { StreamParams, StreamSpec } from "../protocol/work.ts";
import { InputWatch } from "../source/input-watch.ts";
import type { ResumedState } from "./checkpoint.ts";
import { PaceWatch } from "./pace-watch.ts";
import type { StreamEnding } from "./stream-ending.ts";
import type { StreamMeter } from "./stream-meter.ts";
import type { StreamReporter } from "./stream-reporter.ts";
import { streamSource } from "./stream-source.ts";

export interface StreamFlowOptions {
  /** The stream: streams share the device's time by it. */
  readonly key: string;
  readonly spec: StreamSpec;
  readonly resumed: ResumedState;
  readonly host: ModelHost;
  readonly engine: Pick<EngineOptions, "workspace" | "frame_queue" | "max_frame_age_ms">;
  readonly calls: NativeCalls;
  /** Null: frames are made and thrown away. */
  readonly output: WritableStream<Fragment> | null;
  readonly params: () => StreamParams;
  readonly ending: Pick<StreamEnding, "stopSignal" | "abortSignal">;
  readonly reporter: StreamReporter;
  /** What `reporter` measures with. */
  readonly meter: Pick<StreamMeter, "framesIn" | "framesDropped">;
  /** Says how far a stream that does not keep up is behind. */
  readonly behindMessage: () => string;
  /** The input has ended; its last packets may still wait to be read. */
  readonly onInputEnd: () => void;
}

export class StreamFlow {
  readonly pipeline: Pipeline;
  readonly #options: StreamFlowOptions;
  readonly #source: Source;
  #pace: PaceWatch | null = null;

  constructor(options: StreamFlowOptions) {
    const { key, spec, resumed, host, engine, calls, output, params, ending } = options;
    const { reporter: observer, onInputEnd: onEnd } = options;
    const { after } = resumed;
    this.#options = options;
    this.#source = streamSource(spec, { after, params, calls, ending, observer, onEnd });
    this.pipeline = new Pipeline({
      ...resumed,
      host,
      calls,
      workspace: engine.workspace,
      key,
      source: this.#source,
      output,
      container: spec.container,
      segmentSeconds: spec.segment_seconds,
      frameQueue: engine.frame_queue,
      maxFrameAgeMs: engine.max_frame_age_ms,
      params,
      signal: ending.abortSignal,
      observer,
    });
  }

  /** Bytes of the input that have arrived. */
  get bytesIn(): number {
    return this.#source.kind === "input" ? this.#source.packets.bytes() : 0;
  }

  /** Frames are drawn by other models or graphs from now on, which are judged by themselves. */
  programChanged(): void {
    this.#pace?.restart();
  }

  /** From the source to the output, until one of them ends. */
  async run(): Promise<void> {
    using _input = this.#source.kind === "input" ? this.#watchInput() : null;
    using pace = this.#watchPace();
    this.#pace = pace;
    await this.pipeline.run();
  }

  #watchPace(): PaceWatch {
    const { meter, reporter, behindMessage } = this.#options;
    return new PaceWatch({
      framesIn: () => meter.framesIn,
      framesDropped: () => meter.framesDropped,
      message: behindMessage,
      report: (error) => reporter.trouble("pace", error),
    });
  }

  #watchInput(): InputWatch {
    const { meter, reporter } = this.#options;
    return new InputWatch({
      bytesIn: () => this.bytesIn,
      framesIn: () => meter.framesIn,
      framesDecoded: () => reporter.framesDecoded,
      isExplained: () => reporter.isTroubled("input") || this.pipeline.isDecoding,
      report: (error) => reporter.trouble("input", error),
    });
  }
}
