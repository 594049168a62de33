/** Answers failed requests below `/runner` in the form of live-runner.md 4.4, whatever refused them. */
import { Type } from "@sinclair/typebox";
import {
  RunnerError,
  RunnerErrorAnswer,
  runnerErrorOf,
} from "../protocols/live-runner/app/runner-errors.ts";
import { HttpError } from "./http-error.ts";

/** Decides the form of an error alone, never who may call. */
export const isRunnerPath = (pathname: string): boolean => /^\/runner(\/|$)/.test(pathname);

export function runnerErrorResponse(error: unknown): Response {
  const isHttp = error instanceof HttpError;
  const failure = isHttp ? ofHttp(error) : runnerErrorOf(error);
  return Response.json(failure, {
    status: failure.status,
    headers: isHttp ? error.headers : {},
  });
}

/** The path is not repeated: it holds a key. */
export const noRunnerRoute = (): RunnerError =>
  new RunnerError("not_found", "there is no such route; /openapi lists them");

function ofHttp({ kind, message }: HttpError): RunnerError {
  switch (kind) {
    case "not_found":
      return noRunnerRoute();
    case "method_not_allowed":
    case "body_too_large":
      return new RunnerError(kind, message);
    default:
      return new RunnerError("invalid_json", message);
  }
}

/** The error answers of every live-runner route. */
export const runnerFailures = Object.fromEntries(
  Object.entries({
    400: "the request is invalid; `error.field` names the field",
    404: "the session was not started, or there is no such route",
    409: "the session has ended",
    413: "the body is too large",
    500: "the model or the server failed",
    502: "the orchestrator did not make the channels",
    503: "all places are taken, no engine can run, or the model needs too long",
  }).map(([status, description]) => [
    status,
    Type.Object(RunnerErrorAnswer.properties, { description }),
  ]),
) as Record<400 | 404 | 409 | 413 | 500 | 502 | 503, typeof RunnerErrorAnswer>; // fromEntries forgets the keys
