/** One live stream in this engine: its channels, its pipeline, and how it ends. */
import { toPlainError, WorkerError } from "../../errors.ts";
import { TICKS_PER_SECOND, type Ticks, ticks } from "../../media/time.ts";
import { endWhen } from "../../streams/end-when.ts";
import { pause } from "../../streams/pause.ts";
import { untilAborted } from "../../streams/until-aborted.ts";
import { subscribe } from "../../trickle/client/subscriber.ts";
import type { Tick } from "../codec/video-frame.ts";
import type { ModelHost } from "../device/model-host.ts";
import type { EngineMeter } from "../metrics/engine-meter.ts";
import { Pipeline, type Source } from "../pipeline.ts";
import { checkFallback } from "../plan/fallback-picture.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { PipelineDebug } from "../protocol/debug.ts";
import type { EngineOptions } from "../protocol/messages.ts";
import type { ParamsUpdate } from "../protocol/params-update.ts";
import type { StreamStats } from "../protocol/stats.ts";
import type { OutputChannel, ResumePoint, StreamParams, StreamSpec } from "../protocol/work.ts";
import { clock } from "../source/clock.ts";
import { demux } from "../source/demux.ts";
import { InputWatch } from "../source/input-watch.ts";
import { Timeline } from "../source/timeline.ts";
import type { EngineWork, Send } from "./engine-work.ts";
import { behindMessage } from "./pace-message.ts";
import { PaceWatch } from "./pace-watch.ts";
import { ParamsInTurn } from "./params-in-turn.ts";
import { busyMsOf, checkInput, checkProgram, lossOf } from "./preflight.ts";
import { StreamMeter } from "./stream-meter.ts";
import { type AdoptedTiming, StreamOutput } from "./stream-output.ts";
import { StreamReporter } from "./stream-reporter.ts";

/** A stream that was asked to end is cut off after this time. */
const STOP_MS = 3000;
/** What is cut off reports its end after this time, though a native call may still run. */
const DETACH_MS = 500;
const DEFAULT_FPS = 24;

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
  /** Ends the source; what is under way is still sent. */
  readonly #end = new AbortController();
  /** Cuts everything off. */
  readonly #abort = new AbortController();
  readonly #params: ParamsInTurn;
  #output: StreamOutput | null = null;
  #outputClosed: Promise<void> | null = null;
  /** Before the stream was asked to stop. */
  #hasInputEnded = false;
  #pipeline: Pipeline | null = null;
  #pace: PaceWatch | null = null;
  #bytesIn: () => number = () => 0;

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
      onProgramChange: () => this.#pace?.restart(),
      onPrepared: () => {
        if (this.#params.proceed()) this.#pipeline?.prepare();
      },
    });
  }

  /** Native frames that are not freed. */
  get frames(): number {
    return this.#pipeline?.frames ?? 0;
  }

  /** From the next frame on. */
  update({ revision, ...update }: ParamsUpdate & { readonly revision: number }): void {
    this.#params.update(update, revision);
    this.#pipeline?.prepare();
  }

  /** Lets what is under way leave, then ends; cut off after 3 s. */
  stop(): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort(new DOMException("stream stopped", "AbortError"));
    const cut = setTimeout(() => this.#abort.abort(new WorkerError("timeout", "cut off")), STOP_MS);
    this.#abort.signal.addEventListener("abort", () => clearTimeout(cut), { once: true });
  }

  stats(): StreamStats {
    const published = this.#output?.stats;
    return this.#meter.snapshot({
      segments_out: published?.segments ?? 0,
      segments_skipped: published?.segmentsSkipped ?? 0,
      bytes_in: this.#bytesIn(),
      bytes_out: published?.bytes ?? 0,
      model: this.#params.current.model,
      device: this.#options.engine.device,
    });
  }

  /** The present state of its pipeline. */
  debug(): PipelineDebug {
    return {
      ...this.#reporter.debug,
      ...(this.#pipeline?.models ?? { models: [], loading: null }),
      queues: {
        frames: this.#pipeline?.waitingFrames ?? 0,
        native_frames: this.frames,
        output_bytes: this.#output?.queuedBytes ?? 0,
      },
    };
  }

  async run(): Promise<void> {
    const flow = this.#run();
    const over = new AbortController();
    let failure: unknown = null;
    try {
      await Promise.race([flow, this.#detached(over.signal)]);
    } catch (error) {
      const { input } = this.#options.spec;
      const meant = this.#end.signal.aborted || (await this.#output?.wasReleased(input));
      if (!meant) failure = lossOf(error);
    }
    over.abort();
    await this.#closeOutput();
    const { id, send } = this.#options;
    send({ type: "stats", id, stats: this.stats() });
    send({ type: "ended", id, ...(failure === null ? {} : { error: toPlainError(failure) }) });
    this.#abort.abort(new DOMException("stream over", "AbortError"));
    await flow.catch(() => {}); // reported already, or of no interest to a stream that was stopped
  }

  async #run(): Promise<void> {
    const { id, spec, params, send, host, resume, interim, engine, calls } = this.#options;
    // A stream that ran before continues without its model, should that have broken since.
    const isNew = resume === undefined && interim === undefined;
    if (isNew) await checkProgram(params, spec.input !== undefined, host);
    if (isNew) await checkFallback(engine.workspace, params.fallback, calls);
    const busyMs = busyMsOf(spec.output);
    const [input, output] = await Promise.allSettled([
      spec.input && checkInput(spec.input, { signal: this.#abort.signal, busyMs }),
      spec.output ? this.#openOutput(spec.output) : null,
    ]);
    if (output.status === "fulfilled") this.#output = output.value;
    try {
      for (const side of [input, output]) if (side.status === "rejected") throw side.reason;
      send({ type: "started", id });
      if (spec.input || spec.output) await this.#flow();
      else await untilAborted(new Promise<never>(() => {}), this.#end.signal);
    } finally {
      await this.#closeOutput();
    }
  }

  /** Settles when the stream was cut off and a native call still keeps it from ending. */
  async #detached(over: AbortSignal): Promise<void> {
    await untilAborted(new Promise<never>(() => {}), this.#abort.signal);
    await pause(DETACH_MS, over);
  }

  /** Once: a channel of the same name may be another stream's by now. */
  async #closeOutput(): Promise<void> {
    if (this.#output === null) return;
    const { id, send } = this.#options;
    // Before the output's end is seen: what its readers do then comes later.
    const finished = () => send({ type: "finished", id });
    this.#outputClosed ??= this.#output.close(this.#hasInputEnded ? finished : null);
    await this.#outputClosed;
  }

  /** From the source to the output, until one of them ends. */
  async #flow(): Promise<void> {
    const { id, spec, resume, host, engine, calls } = this.#options;
    const after = resume ? resumedAfter(resume, performance.now() - this.#orderedAt) : null;
    this.#pipeline = new Pipeline({
      host,
      calls,
      workspace: engine.workspace,
      key: id,
      source: this.#source(after),
      output: this.#output?.writable ?? null,
      container: spec.container,
      segmentSeconds: spec.segment_seconds,
      after,
      ...(resume?.audio !== undefined && { settledAudio: resume.audio }),
      ...(resume?.ts && { continuity: resume.ts }),
      frameQueue: engine.frame_queue,
      maxFrameAgeMs: engine.max_frame_age_ms,
      params: () => this.#params.current,
      signal: this.#abort.signal,
      observer: this.#reporter,
    });
    using _input = spec.input ? this.#watchInput() : null;
    using pace = this.#watchPace();
    this.#pace = pace;
    await this.#pipeline.run();
  }

  #watchPace(): PaceWatch {
    return new PaceWatch({
      framesIn: () => this.#meter.framesIn,
      framesDropped: () => this.#meter.framesDropped,
      message: () => behindMessage(this.stats(), this.#meter.msSinceInference),
      report: (error) => this.#reporter.trouble("pace", error),
    });
  }

  #watchInput(): InputWatch {
    return new InputWatch({
      bytesIn: () => this.#bytesIn(),
      framesIn: () => this.#meter.framesIn,
      framesDecoded: () => this.#reporter.framesDecoded,
      isExplained: () =>
        this.#reporter.isTroubled("input") || (this.#pipeline?.isDecoding ?? false),
      report: (error) => this.#reporter.trouble("input", error),
    });
  }

  async #openOutput(output: OutputChannel): Promise<StreamOutput> {
    const { id, spec, resume, send, outputTiming } = this.#options;
    return await StreamOutput.open(output, {
      ...(outputTiming && { timing: outputTiming }),
      container: spec.container,
      resumed: resume !== undefined,
      signal: this.#abort.signal,
      onSize: (size) => send({ type: "size", id, ...size }),
      onSegment: (seq, { pts, width, height }) => {
        const ts = this.#pipeline?.continuity;
        const audio = this.#pipeline?.settledAudio;
        const checkpoint = {
          seq,
          pts,
          size: { width, height },
          ...(audio !== undefined && { audio }),
          ...(ts && { ts }),
        };
        send({ type: "checkpoint", id, checkpoint });
      },
      onSegmentWanted: () => this.#pipeline?.requestSegment(),
      reporter: this.#reporter,
    });
  }

  #source(after: Ticks | null): Source {
    const { spec } = this.#options;
    const end = this.#end.signal;
    if (!spec.input) {
      const start = ticks((after ?? 0) + (after === null ? 0 : TICKS_PER_SECOND / DEFAULT_FPS));
      const pace = clock(start, () => this.#params.current.fps ?? DEFAULT_FPS);
      const counted = new TransformStream<Tick, Tick>({
        transform: (tick, controller) => {
          this.#reporter.frameIn(tick);
          controller.enqueue(tick);
        },
      });
      return { kind: "clock", ticks: endWhen(pace, end).pipeThrough(counted) };
    }
    const segments = subscribe(spec.input, { signal: this.#abort.signal, known: true });
    const packets = demux(endWhen(segments, end), {
      timeline: new Timeline(after),
      calls: this.#options.calls,
      observer: this.#reporter,
      onEnd: () => this.#inputEnded(),
    });
    this.#bytesIn = packets.bytes;
    return { kind: "input", packets, audio: spec.audio };
  }

  /** The readers of an adopted channel wait for its deletion: what is queued has as long as after a stop. */
  #inputEnded(): void {
    this.#hasInputEnded = !this.#end.signal.aborted;
    if (this.#options.spec.output?.lifecycle === "adopted") this.stop();
  }
}

/** Everything up to here may have been sent by the engine that died: as much media as time has passed. */
const resumedAfter = ({ pts, age_ms }: ResumePoint, msSinceOrder: number): Ticks =>
  ticks(pts + Math.round(((age_ms + msSinceOrder) * TICKS_PER_SECOND) / 1000));
