/** Hides nothing: the shape of a batch capability and what it may ask of the server. */
import type { TSchema } from "@sinclair/typebox";

/** Starts streams; the server's part of `comfystream-video`. */
export interface StreamAccess {
  /** The stream is stopped again when `signal` has aborted before it runs. */
  start(
    body: unknown,
    capability: string,
    signal: AbortSignal,
  ): Promise<{ manifest_id: string; stream_url: string }>;
}

/** A picture that an engine made. */
export interface MadeImage {
  readonly png: Uint8Array;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** Members that say nothing here. */
  readonly ignored: readonly string[];
  /** Model, seed and timings. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Makes pictures; the engines' part of `comfystream-image`. */
export interface ImageAccess {
  /**
   * `job.progress` hears `queued` when all is accepted, then the engine's steps; `body` holds a stream's parameters; `file` is a PNG, JPEG or WebP, or null: then the model draws from nothing.
   * Throws what the fields, the file or the model are refused for, `engine_unavailable`, and the signal's reason.
   */
  make(
    body: unknown,
    file: Uint8Array | null,
    job: Pick<JobContext, "signal" | "progress">,
  ): Promise<MadeImage>;
}

export interface JobContext {
  /** Aborts at the job's deadline and when the caller is gone. */
  readonly signal: AbortSignal;
  /** `direct`: the seed's route. `network`: through an orchestrator, which bills until the answer ends. */
  readonly caller: "direct" | "network";
  readonly streams: StreamAccess;
  readonly images: ImageAccess;
  /** Tells callers who follow the job what it does now: queued, decode, load, inference, encode. */
  readonly progress: (step: string) => void;
  /** What the caller gets as `X-Metadata` beside the answer: small JSON. */
  readonly describe: (metadata: Readonly<Record<string, unknown>>) => void;
}

/** One batch job type. `run` gets a body that satisfies `input` and answers with what satisfies `output`. */
export interface Capability {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly description: string;
  /** It works on the devices: it takes a place as a stream does, and callers may follow its progress as events. */
  readonly onDevice: boolean;
  readonly input: TSchema;
  readonly output: TSchema;
  run(input: unknown, context: JobContext): unknown | Promise<unknown>;
}
