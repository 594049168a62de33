/** Calls an orchestrator back about one session: makes and deletes its channels, and stops it (live-runner.md 3.1). */

import { type Static, Type } from "@sinclair/typebox";
import { answerTimeout } from "../../../../answer-timeout.ts";
import { redactUrls } from "../../../../redact-url.ts";
import { describeFailure } from "../../../../request-failure.ts";
import { check } from "../../../../schema-check.ts";
import { cut } from "../../../../shown-value.ts";
import {
  askOrchestrator,
  errorText,
  isSuccess,
  type OrchestratorAnswer,
  type OrchestratorTls,
} from "../../orchestrator-http.ts";
import { RunnerError } from "../app/runner-errors.ts";
import type { SessionStop } from "../runner-sessions.ts";
import type { SessionHeaders } from "./session-headers.ts";

const TIMEOUT_MS = 2000;
const MAX_SHOWN = 200;
/** The session is gone, or another one has its id: there is nothing left to stop. */
const GONE = [401, 403, 404];

/** A channel to make. */
export interface ChannelWish {
  readonly name: string;
  readonly mime_type: string;
}

const MadeChannel = Type.Object({
  name: Type.String(),
  /** For the client. */
  url: Type.String({ minLength: 1 }),
  /** For this worker; absent or empty: use `url`. */
  internal_url: Type.Optional(Type.String()),
});
export type MadeChannel = Static<typeof MadeChannel>;

const ChannelsAnswer = Type.Object({ channels: Type.Array(MadeChannel) });

export class SessionCallbacks {
  readonly #base: string;
  readonly #token: string;
  readonly #tls: OrchestratorTls;

  constructor({ control, token }: Pick<SessionHeaders, "control" | "token">, tls: OrchestratorTls) {
    this.#base = control;
    this.#token = token;
    this.#tls = tls;
  }

  /**
   * Makes channels, or returns those of these names that exist. Throws RunnerError `orchestrator_error`; some of them may
   * exist then.
   */
  async createChannels(channels: readonly ChannelWish[]): Promise<readonly MadeChannel[]> {
    const answer = await this.#askOrRefuse("POST", "channels", { channels });
    if (answer.status !== 200) throw this.#refused(answer);
    const body = parsed(answer.text);
    if (check(ChannelsAnswer).Check(body)) {
      const made = (body as Static<typeof ChannelsAnswer>).channels; // Check has just proven it
      const missing = channels.find(({ name }) => made.every((one) => one.name !== name));
      if (missing === undefined) return made;
    }
    throw orchestratorError("it answered without the channels that were asked for");
  }

  /** Deletes channels. Best effort; never throws. */
  async deleteChannels(names: readonly string[]): Promise<void> {
    try {
      await this.#ask("DELETE", "channels", { channels: names });
    } catch {
      // They end with the session.
    }
  }

  /** Ends the session at the orchestrator. Never throws. */
  async stop(): Promise<SessionStop> {
    try {
      const answer = await this.#ask("POST", "stop");
      if (isSuccess(answer) || GONE.includes(answer.status)) return { kind: "stopped" };
      return { kind: "failed", message: this.#described(answer) };
    } catch (error) {
      return { kind: "failed", message: this.#safe(describeFailure(error)) };
    }
  }

  async #askOrRefuse(
    method: "POST" | "DELETE",
    path: string,
    json: unknown,
  ): Promise<OrchestratorAnswer> {
    try {
      return await this.#ask(method, path, json);
    } catch (error) {
      throw orchestratorError(this.#safe(describeFailure(error)), error);
    }
  }

  /** Sends a call, and once more if it fails before the timeout. Rejects where no answer came. */
  async #ask(method: "POST" | "DELETE", path: string, json?: unknown): Promise<OrchestratorAnswer> {
    using late = answerTimeout(TIMEOUT_MS);
    const { signal } = late;
    const headers = { "Livepeer-Session-Token": this.#token };
    const request = { method, headers, json, signal, tls: this.#tls };
    const url = `${this.#base}/${path}`;
    try {
      return await askOrchestrator(url, request);
    } catch (error) {
      if (signal.aborted) throw error;
      return await askOrchestrator(url, request);
    }
  }

  #refused(answer: OrchestratorAnswer): RunnerError {
    return orchestratorError(this.#described(answer));
  }

  #described(answer: OrchestratorAnswer): string {
    const text = this.#safe(cut(errorText(answer), MAX_SHOWN));
    return `it answered ${answer.status}${text === "" ? "" : `: ${text}`}`;
  }

  /** Removes the session's credentials, which an orchestrator's message may quote. */
  #safe(text: string): string {
    const id = this.#base.split("/").at(-1) ?? "";
    const secrets = [this.#token, id].filter((one) => one.length > 3);
    return secrets.reduce((safe, one) => safe.replaceAll(one, "…"), redactUrls(text));
  }
}

function orchestratorError(why: string, cause?: unknown): RunnerError {
  const message = `the orchestrator did not make the session's channels: ${why}`;
  return new RunnerError("orchestrator_error", message, cause === undefined ? {} : { cause });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // ChannelsAnswer refuses it
  }
}
