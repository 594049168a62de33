/** Logs the start, the refusals and the end of a session, with its credentials taken out. */
import { getLogger } from "../../../../log.ts";
import { redactUrls } from "../../../../redact-url.ts";
import { cut, withoutValue } from "../../../../shown-value.ts";
import type { Stream } from "../../../streams/stream.ts";
import { runnerErrorOf } from "../app/runner-errors.ts";
import type { RunnerSession } from "./session.ts";
import type { SessionOutcome } from "./session-outcome.ts";

const log = getLogger("sessions");

const MAX_LOGGED = 500;

export class SessionLog {
  readonly #session: Pick<RunnerSession, "id" | "logId">;

  constructor(session: Pick<RunnerSession, "id" | "logId">) {
    this.#session = session;
  }

  started(stream: Stream): void {
    log.info("session started", { session: this.#session.logId, stream: stream.logId });
  }

  /** What an operator can mend, such as a host that is not allowed, is a warning. */
  refused(error: unknown): void {
    const { code, message } = runnerErrorOf(error);
    const why = cut(this.redacted(message), MAX_LOGGED);
    const refusal = { session: this.#session.logId, code, why };
    if (code === "orchestrator_error") log.warn("session not started", refusal);
    else log.info("session not started", refusal);
  }

  ended(outcome: SessionOutcome | null): void {
    const { status, reason = "" } = outcome ?? {};
    log.info("session ended", {
      session: this.#session.logId,
      status,
      why: this.redacted(reason),
    });
  }

  /** A client's words as a log may show them. */
  redacted(words: string): string {
    const { id, logId } = this.#session;
    return redactUrls(withoutValue(words)).replaceAll(id, logId);
  }
}
