/** Turns the events of one stream's pipeline into figures and into messages to the server. */
import type { PlainError } from "../../errors.ts";
import type { AudioPacket } from "../../media/encoded-packet.ts";
import type { Tick } from "../codec/video-frame.ts";
import type { PipelineObserver, StreamPart } from "../pipeline-observer.ts";
import type { DataReport } from "../protocol/messages.ts";
import type { Send } from "./engine-work.ts";
import type { StreamMeter } from "./stream-meter.ts";

export interface StreamReporterOptions {
  readonly id: string;
  readonly meter: StreamMeter;
  readonly send: Send;
  /** A part that the stream was started without: what is wrong with it is not reported. */
  readonly without?: StreamPart | null;
}

export class StreamReporter implements PipelineObserver {
  readonly #options: StreamReporterOptions;
  /** What is wrong now, the latest last. */
  readonly #troubles = new Map<StreamPart, PlainError>();
  #framesDecoded = 0;

  constructor(options: StreamReporterOptions) {
    this.#options = options;
  }

  frameIn({ pts }: Pick<Tick, "pts">): void {
    this.#options.meter.frameIn(pts);
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

  frameDropped(): void {
    this.#options.meter.framesDropped++;
  }

  /** Skipped frames are in no figure. */
  frameSkipped(): void {}

  frameInferred(inferenceMs: number): void {
    this.#options.meter.inference.add(inferenceMs);
  }

  frameUnpublished(frame: Tick): void {
    this.frameOut(frame);
  }

  /** The last byte of a frame was handed to the socket at `sentAt` (`performance.now()`). */
  frameOut({ pts, arrivedAt }: Tick, sentAt = performance.now()): void {
    this.#options.meter.frameOut(pts, sentAt - arrivedAt);
  }

  /** The output channel did not take a finished frame. */
  frameUndelivered(): void {
    this.#options.meter.framesUndelivered++;
  }

  audioOut({ pts }: Pick<AudioPacket, "pts">): void {
    this.#options.meter.audioOut(pts);
  }

  paramsApplied(): void {
    const { id, send } = this.#options;
    send({ type: "updated", id });
  }

  modelReady(executionProvider: string | null): void {
    this.#options.meter.executionProvider = executionProvider;
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
    if (error) this.#troubles.set(part, error);
    const latest = [...this.#troubles.values()].at(-1);
    if (latest) send({ type: "trouble", id, error: latest });
    else send({ type: "recovered", id });
  }
}
