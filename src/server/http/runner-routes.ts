/** Routes below `/runner/{key}`: what clients of a live-runner session call through their orchestrator (live-runner.md 4.2). */
import { Elysia } from "elysia";
import { describeUnexpected } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { RunnerError, runnerErrorOf } from "../protocols/live-runner/app/runner-errors.ts";
import { readReason } from "../protocols/live-runner/app/session-start.ts";
import type { RunnerRegistration } from "../protocols/live-runner/runner-sessions.ts";
import type { RunnerSession } from "../protocols/live-runner/sessions/session.ts";
import type { SessionTable } from "../protocols/live-runner/sessions/session-table.ts";
import type { AccessPolicy } from "./access.ts";
import { HttpError } from "./http-error.ts";
import { readJson } from "./json-body.ts";

const log = getLogger("http");

/** How a call names its registration, beside the key. */
export interface CallOrigin {
  /** `Livepeer-Runner-Route`; null without the header. */
  readonly route: string | null;
  /** Origin of `Livepeer-Session-Control`; null without one. */
  readonly control: string | null;
}

/** Finds registrations by the key in the path. */
export interface RunnerKeys {
  /** Null for a wrong key. */
  byKey(key: string, call: CallOrigin): RunnerRegistration<SessionTable> | null;
}

interface Call {
  readonly request: Request;
  readonly params: { readonly key: string };
}

export const runnerRoutes = (access: AccessPolicy, runners: RunnerKeys) => {
  const guard = access.keyed((key, request) => runners.byKey(key, originOf(request)) !== null);
  const options = { ...guard, parse: "none" as const, detail: { hide: true } };
  const sessionOf = ({ request, params }: Call): RunnerSession => {
    const registration = runners.byKey(params.key, originOf(request));
    if (registration === null) throw new RunnerError("not_found", "there is no such route");
    return registration.sessions.sessionOf(request);
  };
  return new Elysia({ name: "runner-routes", prefix: "/runner/:key" })
    .post(
      "/stream",
      ({ request, params }) =>
        answer(async () => {
          const session = sessionOf({ request, params });
          await session.start(await readJson(request));
          return shown(session);
        }),
      options,
    )
    .post(
      "/update",
      ({ request, params }) =>
        answer(async () => {
          const session = sessionOf({ request, params });
          await session.update(await readJson(request));
          return shown(session);
        }),
      options,
    )
    .post(
      "/pause",
      ({ request, params }) =>
        answer(async () => {
          const session = sessionOf({ request, params });
          readReason(await readJson(request));
          await session.pause();
          return shown(session);
        }),
      options,
    )
    .post(
      "/resume",
      ({ request, params }) =>
        answer(async () => {
          const session = sessionOf({ request, params });
          readReason(await readJson(request));
          await session.resume();
          return shown(session);
        }),
      options,
    )
    .post(
      "/stop",
      ({ request, params }) =>
        answer(async () => {
          const session = sessionOf({ request, params });
          const { alreadyStopped } = await session.stop(readReason(await readJson(request)));
          return { ...shown(session), already_stopped: alreadyStopped };
        }),
      options,
    )
    .get(
      "/session",
      ({ request, params }) => answer(async () => shown(sessionOf({ request, params }))),
      options,
    );
};

/** A session as its client sees it. */
function shown(session: RunnerSession) {
  const { running, outcome, state } = session;
  if (running === null) throw new RunnerError("session_not_found", "the session is not started");
  const { urls, stream, ignored, startedAt } = running;
  return {
    success: true,
    session: session.id,
    status: outcome?.status ?? (state === "paused" ? "paused" : "active"),
    reason: outcome?.reason ?? null,
    ...urls,
    params: stream.shownParams,
    started_at: startedAt.toISOString(),
    ...(ignored.length > 0 ? { ignored } : {}),
  };
}

/** Answers in the form of live-runner.md 4.4 whatever fails. */
async function answer(work: () => Promise<object>): Promise<Response> {
  try {
    return Response.json(await work());
  } catch (error) {
    const failure = runnerErrorOf(error instanceof HttpError ? bodyError(error) : error);
    if (failure.code === "pipeline_error")
      log.error("request of a session failed", { error: describeUnexpected(failure.cause) });
    return Response.json(failure, { status: failure.status });
  }
}

/** What `readJson` refuses. */
const bodyError = ({ kind, message }: HttpError): RunnerError =>
  new RunnerError(kind === "body_too_large" ? "body_too_large" : "invalid_json", message);

function originOf({ headers }: Request): CallOrigin {
  const control = headers.get("Livepeer-Session-Control");
  return {
    route: headers.get("Livepeer-Runner-Route"),
    control: control === null ? null : (URL.parse(control)?.origin ?? null),
  };
}
