/** Defines the errors of the live-runner routes: their codes, statuses and bodies (live-runner.md 4.4). */
import { type Static, Type } from "@sinclair/typebox";
import { type ErrorKind, WorkerError } from "../../../../errors.ts";
import { literals, nullable } from "../../../../schema.ts";

/** The HTTP status of each code. */
export const RUNNER_STATUS = {
  missing_session_id: 400,
  invalid_json: 400,
  invalid_body: 400,
  invalid_param: 400,
  unsupported_param: 400,
  unknown_preset: 400,
  unknown_fallback: 400,
  invalid_metadata: 400,
  foreign_control_url: 400,
  forbidden: 403,
  session_not_found: 404,
  not_found: 404,
  method_not_allowed: 405,
  invalid_state: 409,
  body_too_large: 413,
  pipeline_error: 500,
  orchestrator_error: 502,
  runner_unavailable: 503,
  startup_exceeds_limit: 503,
} as const;

export type RunnerErrorCode = keyof typeof RUNNER_STATUS;

/** Whether the model of a start is loaded. */
export const COMPUTE_STATES = ["warm", "cold", "loading", "unavailable"] as const;
export const Compute = literals(COMPUTE_STATES);
export type Compute = Static<typeof Compute>;

/** What some codes add to `error`. */
const Extras = {
  session_status: Type.Optional(Type.String({ description: "of invalid_state" })),
  compute: Type.Optional(Compute),
  estimated_startup_s: Type.Optional(Type.Number({ description: "of startup_exceeds_limit" })),
};
const ErrorExtras = Type.Object(Extras);
type ErrorExtras = Static<typeof ErrorExtras>;

/** Every error answer below `/runner/{key}`. `code` and `message` stand at top level as well. */
export const RunnerErrorAnswer = Type.Object(
  {
    success: Type.Literal(false),
    status: Type.Literal("error"),
    code: Type.String(),
    message: Type.String(),
    error: Type.Object({
      code: Type.String(),
      message: Type.String(),
      field: nullable(Type.String(), { description: "the field that is wrong" }),
      ...Extras,
    }),
  },
  { description: "why the request was refused" },
);
export type RunnerErrorAnswer = Static<typeof RunnerErrorAnswer>;

/** A refused request of a session. Its message may be shown to the caller. */
export class RunnerError extends Error {
  override readonly name = "RunnerError";
  readonly code: RunnerErrorCode;
  /** The field that is wrong, as a dotted path; null where none is. */
  readonly field: string | null;
  readonly extras: ErrorExtras;

  constructor(
    code: RunnerErrorCode,
    message: string,
    options: { field?: string; cause?: unknown } & ErrorExtras = {},
  ) {
    const { field = null, cause, ...extras } = options;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.field = field;
    this.extras = extras;
  }

  get status(): (typeof RUNNER_STATUS)[RunnerErrorCode] {
    return RUNNER_STATUS[this.code];
  }

  toJSON(): RunnerErrorAnswer {
    const { code, message, field, extras } = this;
    return {
      success: false,
      status: "error",
      code,
      message,
      error: { code, message, field, ...extras },
    };
  }
}

/** The refusal of a call that needs a session which has been started. */
export const notStarted = (): RunnerError =>
  new RunnerError("session_not_found", "the session has not been started: POST /stream first");

/** The code of each kind of failure where nothing more is known. */
const CODES: Readonly<Record<ErrorKind, RunnerErrorCode>> = {
  invalid_request: "invalid_param",
  unknown_model: "invalid_param",
  // The orchestrator made the channels.
  refused_host: "orchestrator_error",
  channel_refused: "orchestrator_error",
  input_lost: "orchestrator_error",
  output_lost: "orchestrator_error",
  unauthorized: "forbidden",
  forbidden: "forbidden",
  stream_not_found: "session_not_found",
  unknown_capability: "not_found",
  model_failed: "pipeline_error",
  unsupported_media: "pipeline_error",
  internal: "pipeline_error",
  at_capacity: "runner_unavailable",
  device_unavailable: "runner_unavailable",
  engine_unavailable: "runner_unavailable",
  comfyui_unavailable: "runner_unavailable",
  // Of reading the body: what else is waited for has an error of its own.
  timeout: "invalid_body",
};

/** The form of these fields has been checked before: a later refusal is about the name that they hold. */
const NAME_CODES: Readonly<Record<string, RunnerErrorCode>> = {
  preset: "unknown_preset",
  fallback: "unknown_fallback",
};

/**
 * Translates a failure of the stream engine or the server. A failure of any other class becomes a `pipeline_error`
 * without its reason, which belongs into the log.
 *
 * @param compute state of the model, for a runner that is not available
 */
export function runnerErrorOf(error: unknown, compute?: Compute): RunnerError {
  const unavailable = compute !== undefined && { compute };
  if (error instanceof RunnerError) {
    const { code, message, field, extras } = error;
    if (code !== "runner_unavailable" || !unavailable || extras.compute !== undefined) return error;
    const named = field !== null && { field };
    return new RunnerError(code, message, { ...named, ...extras, ...unavailable, cause: error });
  }
  if (!(error instanceof WorkerError) || error.kind === "internal") {
    const message = "the runner failed; its log has the reason";
    return new RunnerError("pipeline_error", message, { cause: error });
  }
  const field = error.details[0]?.field;
  const isBadField = error.kind === "invalid_request" && field !== undefined;
  const code = (isBadField && NAME_CODES[field]) || CODES[error.kind];
  return new RunnerError(code, error.message, {
    cause: error,
    ...(field !== undefined && { field }),
    ...(code === "runner_unavailable" && unavailable),
  });
}

/** Settles as `work` does, with a WorkerError in place of a RunnerError: what lies outside of `/runner` knows those alone. */
export async function workerErrors<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof RunnerError)) throw error;
    throw new WorkerError("invalid_request", error.message, { cause: error });
  }
}
