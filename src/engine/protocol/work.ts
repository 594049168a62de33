/** The work that the server hands to an engine: live streams and single pictures. */
import { Type } from "@sinclair/typebox";
import { FieldProblem } from "../../field-problem.ts";
import { type Immutable, literals, nullable } from "../../schema.ts";
import { ParamValues } from "./models.ts";

/** A trickle channel that the server has checked. The engine connects to `address` and to nothing else. */
export const Endpoint = Type.Object({
  /** The channel's URL as the caller sent it, without a trailing slash. */
  url: Type.String(),
  /** The IP address that the host resolved to when it was checked: protects against DNS rebinding. */
  address: Type.Optional(Type.String()),
  /** Value of an `Authorization` header, for channels of this server's own trickle server. */
  authorization: Type.Optional(Type.String()),
  /** Verify the server's TLS certificate. */
  verifyTls: Type.Optional(Type.Boolean()),
  /** Certificate authorities to verify it against in place of the system's, as PEM. */
  ca: Type.Optional(Type.String()),
});
export type Endpoint = Immutable<typeof Endpoint>;

/** Width or height of an output that a request names, in pixels. */
export const OutputSide = Type.Integer({
  minimum: 64,
  maximum: 4096,
  multipleOf: 2,
  expects: "an even integer from 64 to 4096",
});

/** Width and height in pixels. */
export const Size = Type.Object({ width: Type.Integer(), height: Type.Integer() });
export type Size = Immutable<typeof Size>;

/** The size of a picture for which neither a request nor an input states one. */
export const DEFAULT_SIZE: Size = { width: 512, height: 512 };

export const Container = literals(["fmp4", "mpegts"]);
export type Container = Immutable<typeof Container>;

export const Fit = literals(["cover", "contain", "stretch"]);
export type Fit = Immutable<typeof Fit>;

export const AudioMode = literals(["auto", "copy", "opus", "aac", "none"]);
export type AudioMode = Immutable<typeof AudioMode>;

/**
 * The marker in the top left corner of every frame that leaves (media/marker.ts). `time`: the engine's wall clock when
 * the last byte of the frame's input arrived, or when the frame was due. `input`: that of the input's frame, which a
 * model would change; none where the input has none.
 */
export const Marker = literals(["none", "time", "input"]);
export type Marker = Immutable<typeof Marker>;

/** One text prompt. */
export const Prompt = Type.Object({
  prompt: Type.String(),
  negative_prompt: Type.Optional(Type.String()),
  weight: Type.Optional(Type.Number()),
});
export type Prompt = Immutable<typeof Prompt>;

/** The model that runs graphs, with the models that they name. */
export const GRAPH_MODEL = "comfyui";

/** What graphs run for. */
export const GraphUse = Type.Object({
  kind: literals(["stream", "picture"]),
  /** There is a video, or a picture in the request. */
  hasInput: Type.Boolean(),
});
export type GraphUse = Immutable<typeof GraphUse>;

/** Parameters that may change while a stream runs. Always sent whole: the server merges. */
export const StreamParams = Type.Object({
  prompts: Type.Array(Prompt),
  /** ComfyUI graphs in place of prompts, as JSON in API format: the frame passes through one after the other. */
  graphs: Type.Optional(Type.Array(Type.String())),
  /** `GRAPH_MODEL` where there are graphs. */
  model: Type.String(),
  /** Output size in pixels; absent: the input's. */
  size: Type.Optional(Type.Object({ width: OutputSide, height: OutputSide })),
  /** Frames a second: without input the clock's rate, with input a cap on the output's. */
  fps: Type.Optional(Type.Number()),
  fit: Fit,
  /** Encoder rate in bits a second; absent: constant quality. */
  bitrate: Type.Optional(Type.Integer()),
  /** No model runs: frames pass through untouched, or `fallback` is shown. */
  paused: Type.Boolean(),
  /**
   * Shown while paused, while the model loads or fails, and when nothing has come out for a while: one of `FALLBACKS`, or
   * the name of a picture of the workspace. Absent: frames pass through, labelled while the model loads.
   */
  fallback: Type.Optional(Type.String()),
  /** Absent: none. */
  marker: Type.Optional(Marker),
  /** The model's own parameters by name, already checked against its schema. */
  model_params: ParamValues,
});
export type StreamParams = Immutable<typeof StreamParams>;

/** Names the parameters of a stream among all that it has had. */
export const Revision = Type.Integer({ minimum: 0 });

/** The channel that a stream publishes to, and who ends it. */
export const OutputChannel = Type.Object({
  endpoint: Endpoint,
  /**
   * `owned`: the stream creates the channel and deletes it at its end; losing it is a failure.
   * `given`: another side made the channel; when that side closes it, the stream ends in order.
   * `adopted`: another side made the channel, and the stream deletes it at its end, once its readers have had time to
   * read the last segment (live-runner.md 3.4); losing it is a failure. After the end of its input the stream has 3 s
   * for what is queued.
   */
  lifecycle: literals(["owned", "given", "adopted"]),
});
export type OutputChannel = Immutable<typeof OutputChannel>;

/** From the end of an adopted channel's last segment to its deletion: readers lose what they have not read by then. */
export const LINGER_MS = 500;

/** What is fixed for the life of a stream. */
export const StreamSpec = Type.Object({
  /** Where video comes from; absent: a clock drives the model. */
  input: Type.Optional(Endpoint),
  /** Where segments go; absent: nothing is published. */
  output: Type.Optional(OutputChannel),
  container: Container,
  segment_seconds: Type.Number(),
  audio: AudioMode,
});
export type StreamSpec = Immutable<typeof StreamSpec>;

/** The audio track announced by a transport stream's program map. */
export const TsOutputAudio = Type.Object({
  codec: literals(["aac", "opus"]),
  channels: Type.Integer(),
});
export type TsOutputAudio = Immutable<typeof TsOutputAudio>;

/** Continuity counter of the next packet of a PID, 0–15. */
const Counter = Type.Integer({ minimum: 0, maximum: 15 });

/** State that the next muxer of a transport stream must continue from (protocol.md 6.2). */
export const TsContinuity = Type.Object({
  counters: Type.Object({ pat: Counter, pmt: Counter, video: Counter, audio: Counter }),
  /** Null where the program map has no audio. */
  audio: nullable(TsOutputAudio),
});
export type TsContinuity = Immutable<typeof TsContinuity>;

/** The format that an output's audio has had since its first segment; see `AudioTarget`. */
const SettledAudio = Type.Object({
  codec: literals(["aac", "opus"]),
  sampleRate: Type.Number(),
  channels: Type.Integer(),
  config: Type.Optional(Type.Uint8Array()),
});
export type SettledAudio = Immutable<typeof SettledAudio>;

/** Where a replacement engine resumes a stream. Sent at the start of every segment. */
export const Checkpoint = Type.Object({
  /** Sequence number of the output segment that was begun. */
  seq: Type.Integer(),
  /** Media time of that segment's first frame on the output's own timeline, in 90 kHz ticks. */
  pts: Type.Number(),
  /** Output size, so that a resumed stream keeps it. */
  size: Size,
  /** Null for an output without audio. */
  audio: Type.Optional(nullable(SettledAudio)),
  /** Only where the container is MPEG-TS. */
  ts: Type.Optional(TsContinuity),
});
export type Checkpoint = Immutable<typeof Checkpoint>;

/** A checkpoint on its way to a replacement engine. */
export const ResumePoint = Type.Composite([
  Checkpoint,
  /** How long ago that segment was begun: a resumed stream leaves a gap as long as the real one. */
  Type.Object({ age_ms: Type.Number({ minimum: 0 }) }),
]);
export type ResumePoint = Immutable<typeof ResumePoint>;

/** One picture of a batch job. */
export const ImageJob = Type.Object({
  /** `size` absent: the file's own. Frame rate, bitrate and pause have no meaning here. */
  params: StreamParams,
  /** A PNG, JPEG or WebP, unread; absent: the model draws from nothing. */
  file: Type.Optional(Type.Uint8Array()),
});
export type ImageJob = Immutable<typeof ImageJob>;

/** The steps of an `ImageJob` in order; without a file there is nothing to decode. */
export const ImageStep = literals(["decode", "load", "inference", "encode"]);
export type ImageStep = Immutable<typeof ImageStep>;

export const MadePicture = Type.Object({
  png: Type.Uint8Array(),
  width: Type.Integer(),
  height: Type.Integer(),
  /** Of graphs: the id of the node that gives it, and its place in the batch of the node. */
  node: Type.Optional(Type.String()),
  index: Type.Optional(Type.Integer()),
});
export type MadePicture = Immutable<typeof MadePicture>;

/** The result of an `ImageJob`. */
export const ImageResult = Type.Object({
  /** One, but for graphs, which may give any number; 32 MiB in all. */
  pictures: Type.Array(MadePicture),
  /** What nodes of graphs say, by the node's id. */
  texts: Type.Record(Type.String(), Type.String()),
  /** What is wrong with parts of graphs that did not run. */
  warnings: Type.Array(FieldProblem),
  execution_provider: Type.String(),
  /** Milliseconds by step: decode, load (waiting for the model), inference, encode. */
  timings_ms: Type.Record(Type.String(), Type.Number()),
});
export type ImageResult = Immutable<typeof ImageResult>;

/** What an engine is asked to do: run a live stream, or make one picture. */
export const WorkOrder = Type.Union([
  Type.Object({
    kind: Type.Literal("stream"),
    spec: StreamSpec,
    params: StreamParams,
    revision: Revision,
    /** What to run until `params` can be used: an engine before drew with these, and never with `params`. */
    interim: Type.Optional(StreamParams),
    resume: Type.Optional(ResumePoint),
  }),
  Type.Object({ kind: Type.Literal("image"), job: ImageJob }),
]);
export type WorkOrder = Immutable<typeof WorkOrder>;
