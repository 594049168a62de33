/** Maps failures to HTTP: the status of each kind, and the one error body of contract.md. */
import { type ErrorKind, reason, WorkerError } from "../../errors.ts";
import type { FieldProblem } from "../../field-problem.ts";
import { RunnerError } from "../protocols/live-runner/app/runner-errors.ts";

const STATUS = {
  invalid_request: 400,
  refused_host: 400,
  channel_refused: 400,
  unknown_model: 400,
  unsupported_media: 400,
  input_lost: 400,
  output_lost: 400,
  unauthorized: 401,
  forbidden: 403,
  stream_not_found: 404,
  unknown_capability: 404,
  model_failed: 500,
  internal: 500,
  at_capacity: 503,
  device_unavailable: 503,
  engine_unavailable: 503,
  comfyui_unavailable: 503,
  timeout: 504,
} as const satisfies Record<ErrorKind, number>;

/** A failure that is HTTP's own. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly kind: "invalid_request" | "not_found" | "method_not_allowed" | "body_too_large";
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: 400 | 404 | 405 | 413,
    kind: HttpError["kind"],
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.kind = kind;
    this.headers = headers;
  }
}

/** For a body that JSON.parse refused. */
export const badJson = (cause: unknown): HttpError =>
  new HttpError(
    400,
    "invalid_request",
    `the body is not valid JSON: ${reason(cause).replace(/^JSON Parse error: /, "")}`,
  );

/** The response to a failed request. An error of neither of our two classes becomes an `internal` without details. */
export function errorResponse(error: unknown): Response {
  const headers = error instanceof HttpError ? error.headers : {};
  return Response.json(errorBody(error), { status: statusOf(error), headers });
}

/** The status of that response. */
export function statusOf(error: unknown): number {
  if (error instanceof HttpError) return error.status;
  return error instanceof WorkerError ? STATUS[error.kind] : 500;
}

/** The body of that response. */
export function errorBody(error: unknown) {
  if (error instanceof HttpError) return body(error.kind, error.message);
  if (error instanceof WorkerError && !isInternal(error))
    return body(error.kind, error.message, error.details);
  return body("internal", "the server failed; its log has the reason");
}

/** True for a failure that callers learn nothing about, so that its reason must be logged. */
export const isInternal = (error: unknown): boolean =>
  !(error instanceof HttpError || error instanceof RunnerError) &&
  !(error instanceof WorkerError && error.kind !== "internal");

function body(code: string, message: string, details: readonly FieldProblem[] = []) {
  const failure = { success: false, status: "error", code, error: message, message };
  return details.length > 0 ? { ...failure, details } : failure;
}
