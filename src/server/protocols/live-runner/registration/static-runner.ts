/** A runner that operators of orchestrators list by its URL: nothing is registered, and sessions are learnt from calls (live-runner.md 2.4). */
import type {
  RunnerRegistration,
  RunnerSessions,
  SessionOwner,
  SessionStop,
} from "../runner-sessions.ts";

export interface StaticOptions<S extends RunnerSessions> {
  /** RUNNER_KEY. */
  readonly key: string;
  /** ORCH_URL. */
  readonly orchestrators: readonly string[];
  /** Whether ALLOW_HOSTS names this origin. */
  readonly allows: (origin: string) => boolean;
  readonly sessions: (owner: SessionOwner) => S;
}

export class StaticRunner<S extends RunnerSessions> implements RunnerRegistration<S> {
  readonly key: string;
  readonly sessions: S;
  readonly orchestrator = "static";
  readonly runnerId = null;
  readonly #options: StaticOptions<S>;

  constructor(options: StaticOptions<S>) {
    this.key = options.key;
    this.#options = options;
    this.sessions = options.sessions(this);
  }

  isControlOrigin(origin: string): boolean {
    const { orchestrators, allows } = this.#options;
    return orchestrators.some((url) => new URL(url).origin === origin) || allows(origin);
  }

  /** Its sessions begin with a call, which brings their token: they are released by callback. */
  async stopByClientRoute(): Promise<SessionStop> {
    return { kind: "failed", message: "a static runner has no id at its orchestrators" };
  }

  async refresh(): Promise<void> {}

  noteUncalled(): void {}

  noteCall(): void {}
}
