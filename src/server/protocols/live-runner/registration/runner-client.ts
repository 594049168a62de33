/** Talks to one orchestrator for a runner: heartbeats, the end of the registration, and stops of sessions (live-runner.md 2). */
import { answerTimeout } from "../../../../answer-timeout.ts";
import { redactUrls } from "../../../../redact-url.ts";
import { describeFailure } from "../../../../request-failure.ts";
import { cut } from "../../../../shown-value.ts";
import {
  askOrchestrator,
  errorText,
  isSuccess,
  type OrchestratorAnswer,
  type OrchestratorTls,
} from "../../orchestrator-http.ts";
import type { SessionStop } from "../runner-sessions.ts";
import { type HeartbeatAnswer, type HeartbeatBody, readHeartbeatAnswer } from "./heartbeat.ts";
import { explainRefusal } from "./refusals.ts";

const SHOWN_CHARACTERS = 200;
/** A stop that fails is tried again later: nobody waits for it. */
const STOP_TIMEOUT_MS = 2000;

/**
 * What came of a heartbeat. `unauthorized`: a 401. `unknown`: a 404 for a runner that is not there any more or not yet.
 * `off`: a 404 of an orchestrator that takes no runners. `static_id`: an operator lists a runner of this id. `refused`: an
 * operator must change a setting. `unreachable`: may pass by itself. `message` holds no credential.
 */
export type BeatOutcome =
  | { readonly kind: "accepted"; readonly answer: HeartbeatAnswer }
  | {
      readonly kind: "unauthorized" | "unknown" | "off" | "static_id" | "refused" | "unreachable";
      readonly message: string;
    };

export type LeaveOutcome =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly message: string };

export interface RunnerClientOptions {
  /** As in ORCH_URL: may have a path. */
  readonly url: string;
  readonly tls: OrchestratorTls;
  /** ORCH_SECRET. */
  readonly secret: string;
}

export class RunnerClient {
  readonly url: string;
  readonly #tls: OrchestratorTls;
  readonly #secret: string;

  constructor({ url, tls, secret }: RunnerClientOptions) {
    this.url = url;
    this.#tls = tls;
    this.#secret = secret;
  }

  /** Sends one heartbeat. Without a `secret` of an earlier answer it is a bootstrap, with ORCH_SECRET. Never throws. */
  async heartbeat(
    body: HeartbeatBody,
    secret: string | null,
    signal: AbortSignal,
  ): Promise<BeatOutcome> {
    try {
      const answer = await askOrchestrator(`${this.url}/runners/heartbeat`, {
        method: "POST",
        headers: { authorization: secret ?? this.#secret },
        json: body,
        signal,
        tls: this.#tls,
      });
      return this.#judge(answer, body, secret);
    } catch (error) {
      return { kind: "unreachable", message: this.#shown(describeFailure(error), secret) };
    }
  }

  /** Ends the registration and all of its sessions. Never throws. */
  async unregister(runnerId: string, secret: string, signal: AbortSignal): Promise<LeaveOutcome> {
    try {
      const answer = await askOrchestrator(
        `${this.url}/runners/${encodeURIComponent(runnerId)}/unregister`,
        { method: "POST", headers: { authorization: secret }, signal, tls: this.#tls },
      );
      if (isSuccess(answer) || answer.status === 404) return { kind: "done" };
      const text = this.#shown(errorText(answer), secret);
      return { kind: "failed", message: `it answered ${answer.status}: ${text}` };
    } catch (error) {
      return { kind: "failed", message: this.#shown(describeFailure(error), secret) };
    }
  }

  /** Stops a session as its client would, which takes no credential but its id. Never throws. */
  async stopSession(runnerId: string, sessionId: string): Promise<SessionStop> {
    const path = `apps/${encodeURIComponent(runnerId)}/session/${encodeURIComponent(sessionId)}/stop`;
    using late = answerTimeout(STOP_TIMEOUT_MS);
    try {
      const answer = await askOrchestrator(`${this.url}/${path}`, {
        method: "POST",
        signal: late.signal,
        tls: this.#tls,
      });
      if (isSuccess(answer) || answer.status === 404) return { kind: "stopped" };
      return { kind: "failed", message: `it answered ${answer.status}` };
    } catch (error) {
      return { kind: "failed", message: this.#shown(describeFailure(error), null) };
    }
  }

  #judge(answer: OrchestratorAnswer, body: HeartbeatBody, secret: string | null): BeatOutcome {
    const { status } = answer;
    if (status === 200) {
      const read = readHeartbeatAnswer(answer.text);
      if (read !== null) return { kind: "accepted", answer: read };
      return { kind: "refused", message: NOT_AN_ORCHESTRATOR };
    }
    const text = this.#shown(errorText(answer), secret);
    return explainRefusal({ status, text }, body);
  }

  /** For messages: without credentials, and not too long. */
  #shown(text: string, secret: string | null): string {
    const hidden = [this.#secret, ...(secret === null ? [] : [secret])];
    const safe = hidden.reduce((all, one) => all.replaceAll(one, "…"), redactUrls(text));
    return cut(safe, SHOWN_CHARACTERS);
  }
}

const NOT_AN_ORCHESTRATOR =
  "it answered 200, but not with a heartbeat answer: ORCH_URL must be the address of an orchestrator";
