/** Declares the events of a running pipeline, which all of its stages report to one observer. */
import type { PlainError } from "../errors.ts";
import type { AudioPacket } from "../media/encoded-packet.ts";
import type { Tick } from "./codec/video-frame.ts";
import type { DataReport } from "./protocol/messages.ts";
import type { DropCause, StageName, WaitName } from "./protocol/metrics.ts";
import type { Showing } from "./protocol/showing.ts";
import type { Size, StreamParams } from "./protocol/work.ts";

/** The parts of a stream that can fail on their own while the stream continues. */
export type StreamPart =
  | "input"
  | "model"
  | "model load"
  | "fallback"
  | "pace"
  | "audio"
  | "output";

/**
 * Receives what happens in one pipeline. Calls come from the stages in the order of the data flow, on the
 * engine's main thread, once a frame or packet: they must return at once and must not throw. A stage that
 * needs a part of it takes `Pick<PipelineObserver, …>`.
 */
export interface PipelineObserver {
  /** A video packet arrived, or a tick of the clock. */
  frameIn(frame: Pick<Tick, "pts">): void;
  /** An audio packet arrived. */
  audioIn(packet: Pick<AudioPacket, "pts">): void;
  /** A frame of the input was decoded. */
  frameDecoded(): void;
  /** A frame that was wanted will not come out. */
  frameDropped(cause: DropCause): void;
  /** A frame that was not wanted will not come out: the stream was starting or paused, or `fps` is lower than the input's. */
  frameSkipped(): void;
  /** The models of a stream that asked for `model` drew a frame in this many milliseconds. */
  frameInferred(inferenceMs: number, model: string): void;
  /** A run of the models failed. */
  runFailed(): void;
  /** A frame leaves inference: a picture of the models, or what is shown in place of one. */
  frameMade(by: "model" | "fallback"): void;
  /** What is shown: called with every frame, and when the stream is paused or resumed. */
  showing(now: Showing): void;
  /** A stage worked on a frame or packet for this long. */
  stageTook(stage: Exclude<StageName, "inference" | "publish">, ms: number): void;
  /** A frame waited for this long. */
  waited(wait: WaitName, ms: number): void;
  /** A finished frame was thrown away because the stream has no output. */
  frameUnpublished(frame: Tick & Size): void;
  /** An audio packet goes to the segmenter. */
  audioOut(packet: Pick<AudioPacket, "pts">): void;
  /** The first frame made with these parameters has left inference. */
  paramsApplied(params: StreamParams): void;
  /** The models or graphs of these parameters cannot be used; the ones before stay in use. Repeated with each attempt. */
  paramsRefused(params: StreamParams): void;
  /** Frames are drawn by other models or graphs from now on: figures of runs begin anew. Followed by `modelReady`. */
  programChanged(): void;
  /** A model is ready to run, on this execution provider. */
  modelReady(executionProvider: string | null): void;
  /** A model has given data for a frame. */
  data(report: Pick<DataReport, "seconds" | "model" | "values">): void;
  /** A part of the stream fails, or fails differently (an error), or works again (null). The stream continues. */
  trouble(part: StreamPart, error: PlainError | null): void;
}
