/** Declares the interfaces between a runner's registration and the sessions that run under it. */

/** The status that a heartbeat reports. Any but `ready` makes the runner unusable, also for its living sessions (live-runner.md 3.3). */
export type RunnerStatus = "ready" | "loading" | "busy" | "draining";

/** The sessions of one registration. `SessionTable` implements it. */
export interface RunnerSessions {
  /** Ids of the sessions that live here. They are credentials. */
  readonly ids: readonly string[];
  /** What to advertise now (live-runner.md 3.3). */
  offer(): { readonly capacity: number; readonly status: RunnerStatus };
  /** The orchestrator reserved a session. May come after the session's first call, or never. */
  reserved(id: string): void;
  /** The orchestrator released a session. May come twice, or never. */
  released(id: string): void;
  /**
   * `listed` are the sessions that the orchestrator had when it answered a heartbeat, and `askedAt` is the
   * `performance.now()` before that heartbeat left: younger sessions may be missing from the list.
   */
  reconcile(listed: readonly string[], askedAt: number): void;
  /** The registration is gone and its sessions with it: they end here without any call to the orchestrator. */
  lost(why: string): void;
  /** Takes no new session; settles when the last one is released, at the latest some seconds after `graceMs`. */
  drain(graceMs: number): Promise<void>;
}

/** What came of asking an orchestrator to stop a session. A session that it does not have counts as stopped. */
export type SessionStop =
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly message: string };

/** The registration that sessions run under, as they see it. */
export interface SessionOwner {
  /** Of `/runner/{key}`. A credential. */
  readonly key: string;
  /** The orchestrator for logs: its ORCH_URL; `static` for a runner that operators of orchestrators list. */
  readonly orchestrator: string;
  /** The id that the orchestrator routes by; null before the first registration, and for a static runner. */
  readonly runnerId: string | null;
  /** Whether `Livepeer-Session-Control` and channels may be at this origin (live-runner.md 2.5). */
  isControlOrigin(origin: string): boolean;
  /** Releases a session whose token is not known, through the route that its client would use. Never throws. */
  stopByClientRoute(sessionId: string): Promise<SessionStop>;
  /**
   * Asks the orchestrator at once which sessions it has. Settles when its answer has been reconciled, or when none came
   * within 1.5 s; at once where it cannot be asked. Never rejects.
   */
  refresh(): Promise<void>;
  /** A session ended that was reserved for some seconds, without a single call of its client. Three in a row are explained in the log, once. */
  noteUncalled(): void;
  /** A client's call arrived. */
  noteCall(): void;
}

/** One registration, or one static runner, with its sessions. */
export interface RunnerRegistration<S extends RunnerSessions = RunnerSessions>
  extends SessionOwner {
  readonly sessions: S;
}
