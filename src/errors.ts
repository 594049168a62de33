/** The kinds of failure the product knows. Nothing here speaks of HTTP: server/http maps kinds to statuses. */
import { Type } from "@sinclair/typebox";
import { FieldProblem } from "./field-problem.ts";
import { getLogger } from "./log.ts";
import { redactUrls } from "./redact-url.ts";
import { type Immutable, literals } from "./schema.ts";

const log = getLogger("errors");

export const ERROR_KINDS = [
  "invalid_request",
  "refused_host",
  "channel_refused",
  "unknown_model",
  "model_failed",
  "device_unavailable",
  "unsupported_media",
  "at_capacity",
  "stream_not_found",
  "unknown_capability",
  "unauthorized",
  "forbidden",
  "engine_unavailable",
  "comfyui_unavailable",
  "input_lost",
  "output_lost",
  "timeout",
  "internal",
] as const;

/** Why something was refused or failed; also the `code` member of every error answer. */
export type ErrorKind = (typeof ERROR_KINDS)[number];

/**
 * An error whose message may be shown to a caller: it names the field, the value and the way out.
 * `cause` keeps the foreign error it was translated from.
 */
export class WorkerError extends Error {
  override readonly name = "WorkerError";
  readonly kind: ErrorKind;
  readonly details: readonly FieldProblem[];

  constructor(
    kind: ErrorKind,
    message: string,
    options: { cause?: unknown; details?: readonly FieldProblem[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.details = options.details ?? [];
  }
}

/** The failure as it crosses a process or thread boundary, where classes do not survive. */
export const PlainError = Type.Object({
  kind: literals(ERROR_KINDS),
  message: Type.String(),
  details: Type.Optional(Type.Array(FieldProblem)),
});
export type PlainError = Immutable<typeof PlainError>;

/**
 * Any thrown value as plain data. Other errors than WorkerErrors become `otherwise`; those that become `internal` are
 * logged, since their stack is lost here.
 */
export function toPlainError(error: unknown, otherwise: ErrorKind = "internal"): PlainError {
  if (!(error instanceof WorkerError)) {
    if (otherwise === "internal")
      log.error("unexpected failure", { error: describeUnexpected(error) });
    return { kind: otherwise, message: reason(error) };
  }
  const { kind, message, details } = error;
  return details.length > 0 ? { kind, message, details } : { kind, message };
}

/** The error that `toPlainError` was given, as far as it crossed. */
export const fromPlainError = ({ kind, message, details = [] }: PlainError): WorkerError =>
  new WorkerError(kind, message, { details });

/** Sentences for failures whose own message quotes addresses or gives advice to programmers. */
const PEER_FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "it refused the connection",
  ECONNRESET: "it closed the connection",
  EHOSTUNREACH: "it cannot be reached",
  ENETUNREACH: "it cannot be reached",
  ENOTFOUND: "there is no such host",
  EPROTO: "it does not speak TLS there",
  CERT_HAS_EXPIRED: "its certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another host",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is not from a trusted authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is not from a trusted authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate is not from a trusted authority",
};

/** One line that says why, for logs and for messages that quote a foreign error. URLs in it are cut to scheme and host. */
export function reason(error: unknown): string {
  const code = error instanceof Error && "code" in error ? PEER_FAILURES[String(error.code)] : null;
  if (code) return code;
  return redactUrls(error instanceof Error ? error.message || error.name : String(error));
}

/** A chain of causes longer than this is cut: it may be a circle. */
const MAX_CAUSES = 5;
const MAX_UNEXPECTED = 8000;

/** The stack of an error that nobody foresaw, with those of its causes, for logs. URLs in it are cut to scheme and host. */
export function describeUnexpected(error: unknown): string {
  const stacks: string[] = [];
  for (let one = error; one !== undefined && stacks.length < MAX_CAUSES; ) {
    stacks.push(one instanceof Error ? (one.stack ?? `${one.name}: ${one.message}`) : String(one));
    one = one instanceof Error ? one.cause : undefined;
  }
  return redactUrls(stacks.join("\ncaused by ").slice(0, MAX_UNEXPECTED));
}
