/** The server's JSON routes as functions, with the token and typed errors. */
import type { Static } from "@sinclair/typebox";
import type { ModelInfo, ModelParam, ParamValue } from "../engine/protocol/models.ts";
import type { FieldProblem } from "../field-problem.ts";
import type { ErrorAnswer } from "../server/http/schemas/failures.ts";
import type { HealthAnswer } from "../server/http/schemas/server-answers.ts";
import type { StreamObject } from "../server/http/schemas/stream-answers.ts";
import type { NodeClasses } from "./graph/node-classes.ts";

export type Stream = Static<typeof StreamObject>;
export type Health = Static<typeof HealthAnswer>;
export type Model = ModelInfo;
export type Param = ModelParam;
export type Value = ParamValue;
/** Values by the parameter's name. */
export type Values = Readonly<Record<string, Value>>;

/** A request that failed. `code` is the server's error code, or `unreachable` if there was no answer. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: string;
  /** 0 without an answer. */
  readonly status: number;
  /** Problems by field; empty where the server names none. */
  readonly details: readonly FieldProblem[];

  constructor(
    code: string,
    status: number,
    message: string,
    details: readonly FieldProblem[] = [],
  ) {
    super(message);
    this.code = code;
    this.status = status;
    this.details = details;
  }

  /** The server requires a token, or rejected the one it was given. */
  get wantsToken(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

/** What the page reads of the answer to a start or a change. */
export interface Accepted {
  readonly stream: Stream;
  /** The parts of a graph that do not run. */
  readonly warnings?: readonly FieldProblem[] | undefined;
}

/** The routes that the page uses; each throws ApiError. `token` is called for every request. */
export function createApi(token: () => string) {
  const ask = async <Answer>(
    method: string,
    path: string,
    body?: unknown,
    signal?: AbortSignal,
  ): Promise<Answer> => {
    const response = await fetch(path, {
      method,
      headers: {
        ...authorization(token()),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      cache: "no-store",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    }).catch(() => {
      signal?.throwIfAborted();
      throw new ApiError("unreachable", 0, "the server is not responding"); // browsers do not say why
    });
    const answer = await response.json().catch(() => null);
    // The server's schemas are the page's types. A 503 from /health has the same body as a 200.
    if (response.ok || (path === "/health" && answer !== null)) return answer as Answer;
    const { code, error, details } = (answer ?? {}) as Partial<Static<typeof ErrorAnswer>>;
    const message = error ?? `the server answered ${response.status}`;
    throw new ApiError(code ?? "internal", response.status, message, details);
  };
  const of = (id: string) => `/stream/${encodeURIComponent(id)}`;
  return {
    health: () => ask<Health>("GET", "/health"),
    nodes: () => ask<NodeClasses>("GET", "/nodes"),
    models: async () => (await ask<{ models: Model[] }>("GET", "/models")).models,
    streams: async () => (await ask<{ streams: Stream[] }>("GET", "/streams")).streams,
    stream: async (id: string) => (await ask<{ stream: Stream }>("GET", `${of(id)}/status`)).stream,
    start: (body: object) => ask<Accepted>("POST", "/stream/start", body),
    change: (id: string, body: object, signal?: AbortSignal) =>
      ask<Accepted>("POST", `${of(id)}/params`, body, signal),
    stop: (id: string) => ask<unknown>("DELETE", of(id)),
  };
}

/** The header for requests to other routes; empty without a token. */
export const authorization = (token: string): Record<string, string> =>
  token === "" ? {} : { authorization: `Bearer ${token}` };
