/** Declares what the caller's session is asked to do: the POST routes below `/runner/{key}` (live-runner.md 4.2). */
import type { TSchema } from "@sinclair/typebox";
import { WorkerError } from "../../../errors.ts";
import { RunnerError, runnerErrorOf } from "../../protocols/live-runner/app/runner-errors.ts";
import type { RunnerView } from "../../protocols/live-runner/app/runner-view.ts";
import {
  ScopeAnswer,
  ScopeBody,
  scopeAnswer,
  scopeStart,
} from "../../protocols/live-runner/app/scope.ts";
import {
  SessionStartFields,
  SessionUpdateFields,
} from "../../protocols/live-runner/app/session-fields.ts";
import { SessionObject, SessionStarted } from "../../protocols/live-runner/app/session-object.ts";
import {
  namedByCaller,
  readReason,
  SessionReason,
} from "../../protocols/live-runner/app/session-start.ts";
import { SessionStopped } from "../../protocols/live-runner/app/usage-record.ts";
import type { RunnerSession } from "../../protocols/live-runner/sessions/session.ts";

export interface SessionRoute {
  /** The path that the API lists, and aliases of it. */
  readonly paths: readonly [string, ...string[]];
  readonly summary: string;
  /** For the API's description: a session reads its bodies itself. */
  readonly body: TSchema;
  readonly answer: TSchema;
  run(session: RunnerSession, body: unknown): Promise<object>;
}

export function sessionRoutes(view: RunnerView): readonly SessionRoute[] {
  return [
    {
      paths: ["/stream", "/echo", "/start_stream"],
      summary:
        "Start the session, or return it if it is already running; answers before any model is loaded",
      body: SessionStartFields,
      answer: SessionStarted,
      run: async (session, body) => {
        await session.start(body);
        return view.started(session);
      },
    },
    {
      paths: ["/scope"],
      summary: "Start the session in the form of livepeer-gateway's start_scope",
      body: ScopeBody,
      answer: ScopeAnswer,
      run: async (session, body) => {
        await session.start(scopeStart(body));
        return scopeAnswer(view.session(session));
      },
    },
    {
      paths: ["/update", "/update_stream"],
      summary:
        "Change the session from its next frame on: present replaces, absent keeps, null resets",
      body: SessionUpdateFields,
      answer: SessionObject,
      run: async (session, body) => {
        await session.update(body);
        return view.session(session);
      },
    },
    {
      paths: ["/pause"],
      summary: "Show the fallback and run no model",
      body: SessionReason,
      answer: SessionObject,
      run: async (session, body) => {
        readReason(body);
        await session.pause();
        return view.session(session);
      },
    },
    {
      paths: ["/resume"],
      summary: "Run the model again",
      body: SessionReason,
      answer: SessionObject,
      run: async (session, body) => {
        readReason(body);
        await session.resume();
        return view.session(session);
      },
    },
    {
      paths: ["/stop"],
      summary: "End the session; the answer is what it used",
      body: SessionReason,
      answer: SessionStopped,
      run: async (session, body) => {
        const { alreadyStopped } = await session.stop(readReason(body));
        return { success: true, ...view.usage(session), already_stopped: alreadyStopped };
      },
    },
  ];
}

interface FailedCall {
  readonly session: RunnerSession;
  readonly body: unknown;
  readonly view: RunnerView;
}

/** The error as clients get it. An unexpected one stays as it is, to be logged. */
export function failureOf(error: unknown, { session, body, view }: FailedCall): unknown {
  const isForeseen =
    error instanceof RunnerError || (error instanceof WorkerError && error.kind !== "internal");
  if (!isForeseen) return error;
  const failure = namedByCaller(runnerErrorOf(error, view.compute), body);
  // Its stream ended while the update was read.
  if (failure.code === "invalid_param" && failure.field === null && session.outcome !== null)
    return new RunnerError("invalid_state", failure.message, {
      session_status: session.outcome.status,
    });
  return failure;
}
