/** One live stream in this engine: starts and steers it, and reports how it goes and ends. */
import { toPlainError } from "../../errors.ts";
import type { ModelHost } from "../device/model-host.ts";
import type { EngineMeter } from "../metrics/engine-meter.ts";
import { checkFallback } from "../plan/fallback-picture.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { PipelineDebug } from "../protocol/debug.ts";
import type { EngineOptions } from "../protocol/messages.ts";
import type { ParamsUpdate } from "../protocol/params-update.ts";
import type { StreamStats } from "../protocol/stats.ts";
import type { OutputChannel, ResumePoint, StreamParams, StreamSpec } from "../protocol/work.ts";
import { checkpointAt, resumedFrom } from "./checkpoint.ts";
import type { EngineWork, Send } from "./engine-work.ts";
import { behindMessage } from "./pace-message.ts";
import { ParamsInTurn } from "./params-in-turn.ts";
import { busyMsOf, checkInput, checkProgram, lossOf } from "./preflight.ts";
import { StreamEnding } from "./stream-ending.ts";
import { StreamFlow } from "./stream-flow.ts";
import { StreamMeter } from "./stream-meter.ts";
import { type AdoptedTiming, StreamOutput } from "./stream-output.ts";
import { StreamReporter } from "./stream-reporter.ts";

export interface StreamWorkOptions {
  readonly id: string;
  readonly spec: StreamSpec;
  readonly params: StreamParams;
  readonly revision: number;
  readonly interim?: StreamParams;
  readonly resume?: ResumePoint;
  readonly host: ModelHost;
  readonly engine: Pick<EngineOptions, "device" | "workspace" | "frame_queue" | "max_frame_age_ms">;
  readonly calls: NativeCalls;
  /** Adds up all streams of the engine. */
  readonly meter: EngineMeter;
  readonly send: Send;
  readonly outputTiming?: Partial<AdoptedTiming>;
}

export class StreamWork implements EngineWork {
  readonly id: string;
  readonly #options: StreamWorkOptions;
  readonly #orderedAt = performance.now();
  readonly #meter = new StreamMeter();
  readonly #reporter: StreamReporter;
  readonly #ending = new StreamEnding();
  readonly #params: ParamsInTurn;
  #output: StreamOutput | null = null;
  /** Before the stream was asked to stop. */
  #hasInputEnded = false;
  /** Null until the stream has started. */
  #flow: StreamFlow | null = null;

  constructor(options: StreamWorkOptions) {
    this.id = options.id;
    this.#options = options;
    this.#params = new ParamsInTurn(options.params, options.revision, options.interim);
    this.#reporter = new StreamReporter({
      ...options,
      meter: this.#meter,
      engine: options.meter,
      without: options.spec.audio === "none" ? "audio" : null,
      revisionOf: (params) => this.#params.revisionOf(params),
      onProgramChange: () => this.#flow?.programChanged(),
      onPrepared: () => {
        if (this.#params.proceed()) this.#flow?.pipeline.prepare();
      },
    });
  }

  /** Native frames that are not freed. */
  get frames(): number {
    return this.#flow?.pipeline.frames ?? 0;
  }

  /** From the next frame on. */
  update({ revision, ...update }: ParamsUpdate & { readonly revision: number }): void {
    this.#params.update(update, revision);
    this.#flow?.pipeline.prepare();
  }

  /** Lets what is under way leave, then ends; cut off after 3 s. */
  stop(): void {
    this.#ending.requestStop();
  }

  stats(): StreamStats {
    const published = this.#output?.stats;
    return this.#meter.snapshot({
      segments_out: published?.segments ?? 0,
      segments_skipped: published?.segmentsSkipped ?? 0,
      bytes_in: this.#flow?.bytesIn ?? 0,
      bytes_out: published?.bytes ?? 0,
      model: this.#params.current.model,
      device: this.#options.engine.device,
    });
  }

  /** The present state of its pipeline. */
  debug(): PipelineDebug {
    return {
      ...this.#reporter.debug,
      ...(this.#flow?.pipeline.models ?? { models: [], loading: null }),
      queues: {
        frames: this.#flow?.pipeline.waitingFrames ?? 0,
        native_frames: this.frames,
        output_bytes: this.#output?.queuedBytes ?? 0,
      },
    };
  }

  async run(): Promise<void> {
    const played = this.#play();
    let failure: unknown = null;
    try {
      await this.#ending.waitFor(played);
    } catch (error) {
      const { input } = this.#options.spec;
      const meant = this.#ending.stopSignal.aborted || (await this.#output?.wasReleased(input));
      if (!meant) failure = lossOf(error);
    }
    await this.#closeOutput();
    const { id, send } = this.#options;
    send({ type: "stats", id, stats: this.stats() });
    send({ type: "ended", id, ...(failure === null ? {} : { error: toPlainError(failure) }) });
    this.#ending.abort();
    await played.catch(() => {}); // reported already, or of no interest to a stream that was stopped
  }

  /** Checks what it is asked for, opens its channels, and runs until one of them ends. */
  async #play(): Promise<void> {
    const { id, spec, params, send, host, resume, interim, engine, calls } = this.#options;
    // A stream that ran before continues without its model, should that have broken since.
    const isNew = resume === undefined && interim === undefined;
    if (isNew) await checkProgram(params, spec.input !== undefined, host);
    if (isNew) await checkFallback(engine.workspace, params.fallback, calls);
    const busyMs = busyMsOf(spec.output);
    const [input, output] = await Promise.allSettled([
      spec.input && checkInput(spec.input, { signal: this.#ending.abortSignal, busyMs }),
      spec.output ? this.#openOutput(spec.output) : null,
    ]);
    if (output.status === "fulfilled") this.#output = output.value;
    try {
      for (const side of [input, output]) if (side.status === "rejected") throw side.reason;
      send({ type: "started", id });
      if (spec.input || spec.output) {
        this.#flow = this.#newFlow();
        await this.#flow.run();
      } else await this.#ending.stopRequested();
    } finally {
      await this.#closeOutput();
    }
  }

  async #closeOutput(): Promise<void> {
    const { id, send } = this.#options;
    // Before the output's end is seen: what its readers do then comes later.
    const finished = () => send({ type: "finished", id });
    await this.#output?.close(this.#hasInputEnded ? finished : null);
  }

  #newFlow(): StreamFlow {
    const { id, spec, resume, host, engine, calls } = this.#options;
    return new StreamFlow({
      key: id,
      spec,
      resumed: resumedFrom(resume, this.#orderedAt),
      host,
      engine,
      calls,
      output: this.#output?.writable ?? null,
      params: () => this.#params.current,
      ending: this.#ending,
      reporter: this.#reporter,
      meter: this.#meter,
      behindMessage: () => behindMessage(this.stats(), this.#meter.msSinceInference),
      onInputEnd: () => this.#inputEnded(),
    });
  }

  async #openOutput(output: OutputChannel): Promise<StreamOutput> {
    const { id, spec, resume, send, outputTiming } = this.#options;
    return await StreamOutput.open(output, {
      ...(outputTiming && { timing: outputTiming }),
      container: spec.container,
      resumed: resume !== undefined,
      signal: this.#ending.abortSignal,
      onSize: (size) => send({ type: "size", id, ...size }),
      onSegment: (seq, start) => {
        const checkpoint = checkpointAt(seq, start, this.#flow?.pipeline);
        send({ type: "checkpoint", id, checkpoint });
      },
      onSegmentWanted: () => this.#flow?.pipeline.requestSegment(),
      reporter: this.#reporter,
    });
  }

  /** The readers of an adopted channel wait for its deletion: what is queued has as long as after a stop. */
  #inputEnded(): void {
    this.#hasInputEnded = !this.#ending.stopSignal.aborted;
    if (this.#options.spec.output?.lifecycle === "adopted") this.stop();
  }
}
