/** Declares what a batch capability is, and what the server offers to one. */
import type { TSchema } from "@sinclair/typebox";
import type { MadePicture, Size } from "../engine/protocol/work.ts";
import type { FieldProblem } from "../field-problem.ts";

/** Starts streams for capabilities. */
export interface StreamAccess {
  /** Stops the stream again if `signal` has aborted before it runs. */
  start(
    body: unknown,
    capability: string,
    signal: AbortSignal,
  ): Promise<{ manifest_id: string; stream_url: string }>;
}

/** What an engine made for one request. */
export interface MadeImages {
  /** One, but for graphs, which may give any number. */
  readonly pictures: readonly MadePicture[];
  /** What nodes of graphs say, by the node's id. */
  readonly texts: Readonly<Record<string, string>>;
  /** What is wrong with parts of graphs that did not run. */
  readonly warnings: readonly FieldProblem[];
  /** Names of members of the body that have no meaning for a picture. */
  readonly ignored: readonly string[];
  /** Model, seed and timings. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Makes pictures for capabilities. */
export interface ImageAccess {
  /**
   * Makes a picture from the stream parameters in `body` and a PNG, JPEG or WebP; without a file the model draws from
   * nothing. Calls `job.progress` with `queued` once the request is accepted, then with the engine's steps.
   * Throws `invalid_request`, `unknown_model`, `model_failed`, `unsupported_media`, `at_capacity`, `engine_unavailable`,
   * and the signal's reason.
   */
  make(
    body: unknown,
    file: Uint8Array | null,
    job: Pick<JobContext, "signal" | "progress" | "reserve">,
  ): Promise<MadeImages>;
}

export interface JobContext {
  /**
   * Aborts at the job's deadline and when the caller is gone. Read it before waiting for anything: a job that does not read
   * it is not ended when its caller leaves.
   */
  readonly signal: AbortSignal;
  /** `direct`: through the seed's route. `network`: through an orchestrator, which bills until the answer ends. */
  readonly route: "direct" | "network";
  readonly streams: StreamAccess;
  readonly images: ImageAccess;
  /** Takes as many places as a picture of this size needs. Throws `at_capacity`. */
  readonly reserve: (size: Size) => void;
  /** Reports the step that begins to callers who follow the job: queued, decode, load, inference, encode. */
  readonly progress: (step: string) => void;
  /** Sets the `X-Metadata` of the answer: small JSON. */
  readonly describe: (metadata: Readonly<Record<string, unknown>>) => void;
}

/** A kind of batch job. `run` gets a body that satisfies `input` and returns one that satisfies `output`. */
export interface Capability {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly description: string;
  /** True if it works on the devices: then it takes a place as a stream does, and callers may follow its progress. */
  readonly onDevice: boolean;
  readonly input: TSchema;
  readonly output: TSchema;
  run(input: unknown, context: JobContext): unknown | Promise<unknown>;
}
