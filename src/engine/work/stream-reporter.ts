/** Turns the events of one stream's pipeline into figures and into messages to the server. */
import type { PlainError } from "../../errors.ts";
import type { AudioPacket } from "../../media/encoded-packet.ts";
import type { Fragment } from "../../media/fragment.ts";
import type { Tick } from "../codec/video-frame.ts";
import type { EngineMeter } from "../metrics/engine-meter.ts";
import type { PipelineObserver, StreamPart } from "../pipeline-observer.ts";
import type { PipelineDebug } from "../protocol/debug.ts";
import type { DataReport } from "../protocol/messages.ts";
import type { DropCause, StageName, WaitName } from "../protocol/metrics.ts";
import type { Showing } from "../protocol/showing.ts";
import type { Size, StreamParams } from "../protocol/work.ts";
import type { Send } from "./engine-work.ts";
import { StageStates } from "./stage-states.ts";
import type { StreamMeter } from "./stream-meter.ts";

export interface StreamReporterOptions {
  readonly id: string;
  readonly meter: StreamMeter;
  /** Adds up all streams of the engine. */
  readonly engine: EngineMeter;
  readonly send: Send;
  /** A part that the stream was started without: what is wrong with it is not reported. */
  readonly without?: StreamPart | null;
  /** The number by which the server knows parameters; null for those that it does not ask about. */
  readonly revisionOf: (params: StreamParams) => number | null;
  readonly onProgramChange: () => void;
  /** The models of the current parameters are in use, or cannot be. */
  readonly onPrepared: () => void;
}

export class StreamReporter implements PipelineObserver {
  readonly #options: StreamReporterOptions;
  /** What is wrong now, the latest last. */
  readonly #troubles = new Map<StreamPart, PlainError>();
  readonly #states = new StageStates();
  #framesDecoded = 0;
  /** As reported last. */
  #shown: Showing | null = null;

  constructor(options: StreamReporterOptions) {
    this.#options = options;
  }

  frameIn({ pts }: Pick<Tick, "pts">): void {
    this.#options.meter.frameIn(pts);
    this.#options.engine.framesIn++;
  }

  get debug(): Pick<PipelineDebug, "stages" | "waits_ms" | "troubles"> {
    const troubles = [...this.#troubles].map(([part, { message }]) => [part, message] as const);
    return { ...this.#states.debug, troubles: Object.fromEntries(troubles) };
  }

  /** Frames of the input that were decoded. */
  get framesDecoded(): number {
    return this.#framesDecoded;
  }

  frameDecoded(): void {
    this.#framesDecoded++;
  }

  audioIn({ pts }: Pick<AudioPacket, "pts">): void {
    this.#options.meter.audioIn(pts);
  }

  frameDropped(cause: DropCause): void {
    this.#options.meter.framesDropped++;
    this.#options.engine.frameDropped(cause);
  }

  /** Skipped frames are in no figure of the stream. */
  frameSkipped(): void {
    this.#options.engine.framesSkipped++;
  }

  frameInferred(inferenceMs: number, model: string): void {
    this.#options.meter.inferred(inferenceMs);
    this.#options.engine.inferred(model, inferenceMs);
    this.#states.stageTook("inference", inferenceMs);
  }

  runFailed(): void {
    this.#options.meter.runFailed();
  }

  frameMade(by: "model" | "fallback"): void {
    if (by === "model") this.#options.meter.frameProcessed();
    else this.#options.meter.framesFallback++;
  }

  showing({ output, reason }: Showing): void {
    if (output === this.#shown?.output && reason === this.#shown.reason) return;
    this.#shown = { output, ...(reason && { reason }) };
    const { id, send } = this.#options;
    send({ type: "showing", id, ...this.#shown });
  }

  stageTook(stage: StageName, ms: number): void {
    this.#states.stageTook(stage, ms);
    this.#options.engine.stageTook(stage, ms);
  }

  waited(wait: WaitName, ms: number): void {
    this.#states.waited(wait, ms);
    this.#options.engine.waited(wait, ms);
  }

  frameUnpublished(frame: Tick & Size): void {
    this.frameOut(frame);
  }

  /** The last byte of a frame was handed to the socket at `sentAt` (`performance.now()`). */
  frameOut(frame: Tick & Size, sentAt = performance.now()): void {
    const { meter, engine } = this.#options;
    const latencyMs = sentAt - frame.arrivedAt;
    meter.frameOut(frame, latencyMs);
    engine.framesOut++;
    engine.latency.record(latencyMs);
  }

  /** The output channel did not take a finished frame. */
  frameUndelivered(): void {
    this.#options.meter.framesUndelivered++;
    this.#options.engine.frameDropped("undelivered");
  }

  /** The output channel took a fragment. */
  fragmentOut({ data, first }: Pick<Fragment, "data" | "first">): void {
    const { engine } = this.#options;
    engine.bytesOut += data.byteLength;
    if (first) engine.segmentsOut++;
  }

  audioOut({ pts }: Pick<AudioPacket, "pts">): void {
    this.#options.meter.audioOut(pts);
  }

  paramsApplied(params: StreamParams): void {
    this.#reportParams("updated", params);
  }

  paramsRefused(params: StreamParams): void {
    this.#reportParams("refused", params);
    this.#options.onPrepared();
  }

  programChanged(): void {
    this.#options.meter.beginInference();
    this.#options.onProgramChange();
  }

  modelReady(executionProvider: string | null): void {
    this.#options.meter.executionProvider = executionProvider;
    this.#options.onPrepared();
  }

  #reportParams(type: "updated" | "refused", params: StreamParams): void {
    const { id, send, revisionOf } = this.#options;
    const revision = revisionOf(params);
    if (revision !== null) send({ type, id, revision });
  }

  data(report: Pick<DataReport, "seconds" | "model" | "values">): void {
    const { id, send } = this.#options;
    send({ type: "data", id, ...report });
  }

  /** Whether this part of the stream fails now. */
  isTroubled(part: StreamPart): boolean {
    return this.#troubles.has(part);
  }

  /** The stream has recovered only when every part of it has. */
  trouble(part: StreamPart, error: PlainError | null): void {
    const { id, send, without } = this.#options;
    if (part === without) return;
    const reported = this.#troubles.get(part);
    if (reported?.message === error?.message) return;
    this.#troubles.delete(part);
    if (error) this.#troubles.set(part, part === "input" ? ofInput(error) : error);
    const latest = [...this.#troubles.values()].at(-1);
    if (latest) send({ type: "trouble", id, error: latest });
    else send({ type: "recovered", id });
  }
}

/** The error with the input named as the field at fault, which tells callers whose trouble it is. */
const ofInput = (error: PlainError): PlainError =>
  error.details ? error : { ...error, details: [{ field: "input", problem: error.message }] };
