/**
 * Records whether a session's client has called, and stops the session at its orchestrator: by the control URL of its first
 * call, before that by the client route.
 */
import type { SessionStop } from "../runner-sessions.ts";
import { SessionCallbacks } from "./callbacks.ts";
import type { RunnerSession } from "./session.ts";
import type { SessionHeaders } from "./session-headers.ts";
import { isWithoutCall, type SessionOutcome } from "./session-outcome.ts";
import type { SessionServices } from "./session-services.ts";

/** A client calls sooner than this after its reservation. */
const UNCALLED_MS = 3000;

export class SessionCalls {
  readonly #session: Pick<RunnerSession, "id" | "seenAt">;
  readonly #services: Pick<SessionServices, "owner" | "tls" | "settings">;
  /** Null before the first call. */
  #callbacks: SessionCallbacks | null = null;

  constructor(
    session: Pick<RunnerSession, "id" | "seenAt">,
    services: Pick<SessionServices, "owner" | "tls" | "settings">,
  ) {
    this.#session = session;
    this.#services = services;
  }

  /** How to call the orchestrator back, from the headers of the first call. Throws before it. */
  get callbacks(): SessionCallbacks {
    if (this.#callbacks === null) throw new Error("a session is started by a call");
    return this.#callbacks;
  }

  /** A call of its client has arrived. */
  arrived(headers: SessionHeaders): void {
    if (this.#callbacks !== null) return;
    const { owner, tls } = this.#services;
    owner.noteCall();
    this.#callbacks = new SessionCallbacks(headers, tls);
  }

  /** Ends the session at the orchestrator. Never throws. */
  stop(): Promise<SessionStop> {
    // Before its first call only its client's way of stopping it is known.
    return this.#callbacks?.stop() ?? this.#services.owner.stopByClientRoute(this.#session.id);
  }

  /** The session has ended: it may be one that could not be called. */
  ended(outcome: SessionOutcome | null): void {
    if (this.#callbacks === null && isWithoutCall(outcome) && this.#hadTimeForACall)
      this.#services.owner.noteUncalled();
  }

  /** A client may reserve a session and stop it at once. */
  get #hadTimeForACall(): boolean {
    const { uncalledMs = UNCALLED_MS } = this.#services.settings;
    return performance.now() - this.#session.seenAt >= uncalledMs;
  }
}
