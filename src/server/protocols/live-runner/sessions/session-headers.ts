/** Reads the headers with which an orchestrator names the session on every call that it forwards (live-runner.md 3.1). */
import { Type } from "@sinclair/typebox";
import { RunnerError } from "../app/runner-errors.ts";

const ofOrchestrator = (description: string) =>
  Type.Optional(Type.String({ description: `${description}; an orchestrator sets it` }));

/** For OpenAPI: `sessionHeaders` reads and checks them. */
export const SessionHeaderFields = Type.Object(
  {
    "livepeer-session-id": ofOrchestrator("the session that the call is for"),
    "livepeer-session-token": ofOrchestrator("what opens the session's callbacks"),
    "livepeer-session-control": ofOrchestrator("base URL of the callbacks"),
    "livepeer-runner-route": ofOrchestrator("id of the runner"),
  },
  { additionalProperties: true },
);

/** Whose call it is, and how to call the orchestrator back about it. All of it is a credential. */
export interface SessionHeaders {
  readonly id: string;
  readonly token: string;
  /** Base of the callbacks, without a trailing slash. */
  readonly control: string;
}

const MAX_ID_CHARACTERS = 256;

/**
 * Throws RunnerError: `missing_session_id` where a header is absent, `foreign_control_url` for a control URL at an origin
 * that is not the orchestrator's.
 */
export function sessionHeaders(
  { headers }: Request,
  isControlOrigin: (origin: string) => boolean,
): SessionHeaders {
  const read = (name: string): string => {
    const value = headers.get(name)?.trim() ?? "";
    if (value !== "") return value;
    const message = `${name} is missing: an orchestrator sets it on the calls of a session that was reserved`;
    throw new RunnerError("missing_session_id", message, { field: name });
  };
  const id = read("Livepeer-Session-Id");
  const token = read("Livepeer-Session-Token");
  const control = read("Livepeer-Session-Control");
  read("Livepeer-Runner-Route");
  if (id.length > MAX_ID_CHARACTERS) {
    const message = `Livepeer-Session-Id must have at most ${MAX_ID_CHARACTERS} characters`;
    throw new RunnerError("missing_session_id", message, { field: "Livepeer-Session-Id" });
  }
  const url = URL.parse(control);
  const hasCredentials = url !== null && (url.username !== "" || url.password !== "");
  if (url === null || hasCredentials || !isControlOrigin(url.origin)) {
    const message =
      "Livepeer-Session-Control must be at the orchestrator that this runner is registered with; an operator can allow another host with --allow-hosts";
    throw new RunnerError("foreign_control_url", message, { field: "Livepeer-Session-Control" });
  }
  return { id, token, control: control.replace(/\/+$/, "") };
}
