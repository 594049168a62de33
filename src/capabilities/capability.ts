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

export interface JobContext {
  /** Aborts at the job's deadline and when the caller is gone. */
  readonly signal: AbortSignal;
  /** `direct`: the seed's route. `network`: through an orchestrator, which bills until the answer ends. */
  readonly caller: "direct" | "network";
  readonly streams: StreamAccess;
}

/** One batch job type. `run` gets a body that satisfies `input` and answers with what satisfies `output`. */
export interface Capability {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly description: string;
  readonly input: TSchema;
  readonly output: TSchema;
  run(input: unknown, context: JobContext): unknown | Promise<unknown>;
}
