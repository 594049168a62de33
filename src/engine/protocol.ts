/** What server and engine say to each other over IPC: small messages and a batch job's picture files. The one file both planes share. */
import type { PlainError } from "../errors.ts";

/** A trickle channel that the server has checked; the engine connects to `address` and nothing else. */
export interface Endpoint {
  /** The channel's URL as it was given, without a trailing slash. */
  readonly url: string;
  /** The IP address its host resolved to when it was checked: protects against a name that changes. */
  readonly address?: string;
  /** Value of an `Authorization` header to send, where the channel is this server's own. */
  readonly authorization?: string;
}

/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

export type Container = "fmp4" | "mpegts";
export type Fit = "cover" | "contain" | "stretch";
export type AudioMode = "auto" | "copy" | "opus" | "aac" | "none";

/** One text prompt. */
export interface Prompt {
  readonly prompt: string;
  readonly negative_prompt?: string;
  readonly weight?: number;
}

/** What may change while a stream runs. Always sent whole: merging is the server's work. */
export interface StreamParams {
  readonly prompts: readonly Prompt[];
  readonly model: string;
  /** Output size in pixels, even, 64–4096; absent: the input's. */
  readonly size?: Size;
  /** Without input the clock's rate; with input a cap. */
  readonly fps?: number;
  readonly fit: Fit;
  /** Encoder rate in bits a second; absent: by size and quality. */
  readonly bitrate?: number;
  /** Frames pass through untouched. */
  readonly paused: boolean;
  /** The model's own parameters by name, already checked against its schema. */
  readonly model_params: Readonly<Record<string, number>>;
}

/** What is fixed for the life of a stream. */
export interface StreamSpec {
  /** Where video comes from; absent: a clock drives the model. */
  readonly input?: Endpoint;
  /** Where segments go; absent: nothing is published. */
  readonly output?: Endpoint;
  /** Seed mode: the stream creates its output channel and deletes it at the end (protocol.md 9 row 16). */
  readonly owns_output: boolean;
  readonly container: Container;
  readonly segment_seconds: number;
  readonly audio: AudioMode;
}

/** The sound that a transport stream's program map tells of. */
export interface TsAudioTrack {
  readonly codec: "aac" | "opus";
  readonly channels: number;
}

/** What a transport stream keeps when another muxer goes on with it (protocol.md 6.2). */
export interface TsContinuity {
  /** Continuity counters of the next packet of each PID, 0–15. */
  readonly counters: Readonly<Record<"pat" | "pmt" | "video" | "audio", number>>;
  /** Null where the map has no sound. */
  readonly audio: TsAudioTrack | null;
}

/** Where a replacement engine takes a stream up again. Sent with every segment begun. */
export interface Checkpoint {
  /** Sequence number of the output segment that was begun. */
  readonly seq: number;
  /** Media time of that segment's first frame on the output's own time line, in 90 kHz ticks. */
  readonly pts: number;
  /** `Date.now()` when it began: a resumed stream leaves a gap as long as the real one. */
  readonly at: number;
  /** Output size, so that a resumed stream keeps it. */
  readonly size: Size;
  /** Only where the container is MPEG-TS. */
  readonly ts?: TsContinuity;
}

/** A number a model takes while it runs: a slider. */
export interface ModelParam {
  readonly name: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly integer: boolean;
  readonly description: string;
}

/** One model as `GET /models` shows it. */
export interface ModelInfo {
  readonly name: string;
  readonly description: string;
  /** `built-in` or the folder's path below the workspace. */
  readonly source: string;
  readonly state: "cold" | "warming" | "ready" | "failed";
  /** Why it failed. */
  readonly error?: string;
  /** False for models that need no video: they draw on a clock. */
  readonly takes_video: boolean;
  /** False for models that no prompt changes. */
  readonly takes_prompts: boolean;
  readonly device: string;
  /** The execution provider that really runs it; absent while cold. */
  readonly execution_provider?: string;
  readonly params: readonly ModelParam[];
}

/** 50th, 95th and 99th percentile in milliseconds over the last some hundred frames; null before the first. */
export interface Percentiles {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** Counters of one stream since its start in this engine; the server adds up engines. */
export interface StreamStats {
  /** Frames a second of media; steady also where they come in whole segments, 0 soon after they have ended. */
  readonly fps_in: number;
  readonly fps_out: number;
  /** Packets of sound a second, likewise. */
  readonly audio_fps_in: number;
  readonly audio_fps_out: number;
  readonly frames_in: number;
  readonly frames_out: number;
  readonly frames_dropped: number;
  readonly segments_out: number;
  /** Segments skipped because the peer stalled. */
  readonly segments_skipped: number;
  readonly bytes_out: number;
  readonly latency_ms: Percentiles;
  readonly inference_ms: Percentiles;
  readonly model: string;
  readonly device: string;
  readonly execution_provider: string | null;
}

/** One picture of a batch job. */
export interface ImageJob {
  /** `size` absent: the file's own. Rate, bitrate and pause say nothing here. */
  readonly params: StreamParams;
  /** A PNG, JPEG or WebP as it came, not looked into; absent: the model draws from nothing. */
  readonly file?: Uint8Array;
}

/** What an engine does for an `ImageJob`, in this order; without a file there is nothing to decode. */
export type ImageStep = "decode" | "load" | "inference" | "encode";

/** What became of an `ImageJob`. */
export interface ImageResult extends Size {
  /** At most 32 MiB. */
  readonly png: Uint8Array;
  readonly execution_provider: string;
  /** Milliseconds by step: decode, load (waiting for the model), inference, encode. */
  readonly timings_ms: Readonly<Record<string, number>>;
}

/** What an engine needs to know of the configuration; sent first. Secrets never travel in the environment. */
export interface EngineOptions {
  /** `cpu`, `cuda:0`, `tensorrt:0`, … */
  readonly device: string;
  readonly workspace: string;
  readonly frame_queue: number;
  readonly max_frame_age_ms: number;
  readonly log_level: "debug" | "info" | "warning" | "error";
  readonly log_format: "text" | "json";
}

/** Server → engine. */
export type ToEngine =
  | { readonly type: "init"; readonly options: EngineOptions }
  | {
      readonly type: "start";
      readonly id: string;
      readonly spec: StreamSpec;
      readonly params: StreamParams;
      readonly resume?: Checkpoint;
    }
  | {
      readonly type: "update";
      readonly id: string;
      readonly params: StreamParams;
    }
  | { readonly type: "stop"; readonly id: string }
  /** One at a time; `image` answers. */
  | { readonly type: "make"; readonly job: string; readonly image: ImageJob }
  /** The answer still comes, when the work has really ended. */
  | { readonly type: "cancel"; readonly job: string }
  /** Read the workspace's folders again; `models` answers. */
  | { readonly type: "models" }
  | { readonly type: "ping" }
  | { readonly type: "shutdown" };

/** Engine → server. */
export type FromEngine =
  /** The process listens: send `init`. */
  | { readonly type: "hello" }
  /** Set-up is over; streams may start. */
  | {
      readonly type: "ready";
      readonly models: readonly ModelInfo[];
      /** Decoders and encoders that are there, as `doctor` prints them. */
      readonly codecs?: readonly string[];
    }
  /** Set-up cannot succeed (an asked-for device is missing): do not start it again. */
  | { readonly type: "unfit"; readonly error: PlainError }
  | { readonly type: "model"; readonly model: ModelInfo }
  /** Answer to `models`: all there are. */
  | { readonly type: "models"; readonly models: readonly ModelInfo[] }
  /** The stream's channels are there and its model exists; it need not be loaded. */
  | { readonly type: "started"; readonly id: string }
  /** Output's real size, known when the first frame is. */
  | {
      readonly type: "size";
      readonly id: string;
      readonly width: number;
      readonly height: number;
    }
  | { readonly type: "stats"; readonly id: string; readonly stats: StreamStats }
  | {
      readonly type: "checkpoint";
      readonly id: string;
      readonly checkpoint: Checkpoint;
    }
  /** A frame made with the new parameters has left inference. */
  | { readonly type: "updated"; readonly id: string }
  /** Something went wrong inside and the stream goes on (a model that failed: frames pass through). */
  | {
      readonly type: "trouble";
      readonly id: string;
      readonly error: PlainError;
    }
  /** What `trouble` told of is over. */
  | { readonly type: "recovered"; readonly id: string }
  /** All of the stream is released. Without `error` its input ended or it was asked to stop. */
  | { readonly type: "ended"; readonly id: string; readonly error?: PlainError }
  /** A job has come so far. */
  | { readonly type: "step"; readonly job: string; readonly step: ImageStep }
  /** Answer to `make`. */
  | {
      readonly type: "image";
      readonly job: string;
      readonly outcome:
        | { readonly done: true; readonly result: ImageResult }
        | { readonly done: false; readonly error: PlainError };
    }
  /** Answer to `ping`; also sent unasked. `quiet_ms`: silence up to this long is not a hang (a model builds). */
  | {
      readonly type: "pong";
      readonly quiet_ms: number;
      readonly live: EngineCensus;
    };

/** What lives in an engine, for the tests that count it. All zero after the last stream ended. */
export interface EngineCensus {
  readonly streams: number;
  /** Native frames not yet freed. */
  readonly frames: number;
  /** Open HTTP requests to trickle servers. */
  readonly requests: number;
}
