/** Makes the attempts to start one session: repeated calls share one, another may follow a failure, and a place is held meanwhile. */
import type { Place } from "../../../admission.ts";
import { runnerErrorOf } from "../app/runner-errors.ts";
import { readSessionStart } from "../app/session-start.ts";
import { SESSION_CHANNELS } from "../live-runner-protocol.ts";
import type { SessionCalls } from "./session-calls.ts";
import type { SessionLife } from "./session-life.ts";
import type { SessionLog } from "./session-log.ts";
import type { SessionServices } from "./session-services.ts";
import { type RunningSession, startSession } from "./start-session.ts";

export interface StartAttemptsOptions {
  readonly services: SessionServices;
  readonly life: SessionLife;
  readonly calls: SessionCalls;
  readonly log: SessionLog;
  /** Applies an update that came through the control channel. */
  readonly update: (body: object) => Promise<RunningSession>;
  /** Called once the stream runs; throws if the session has ended meanwhile. */
  readonly onRunning: (running: RunningSession) => void;
}

export class StartAttempts {
  readonly #options: StartAttemptsOptions;
  /** Held for the stream, which takes it over at the start. */
  #place: Place | null;
  /** Attempts that have got as far as their channels. */
  #count = 0;
  /** The attempt that is being made, or the one that succeeded. */
  #current: Promise<RunningSession> | null = null;

  /** @param place held for the session; null where none was free */
  constructor(place: Place | null, options: StartAttemptsOptions) {
    this.#options = options;
    this.#place = place;
  }

  /** Whether an attempt is being made, or one has succeeded. */
  get hasBegun(): boolean {
    return this.#current !== null;
  }

  /** Settles when no attempt is being made. Never rejects: the call that makes an attempt reports its failure. */
  settled(): Promise<unknown> {
    return this.#current?.catch(() => {}) ?? Promise.resolve();
  }

  /**
   * Makes an attempt, or joins the one that is being made or has succeeded. Throws RunnerError, `invalid_state` once the
   * session has ended, and WorkerError.
   */
  async start(body: unknown): Promise<RunningSession> {
    this.#options.life.assertLives();
    this.#current ??= this.#attempt(body);
    const current = this.#current;
    try {
      return await current;
    } catch (error) {
      if (this.#current === current) {
        this.#current = null;
        this.#options.log.refused(error);
      }
      throw error;
    }
  }

  /** The session has ended. An attempt that is being made gives the place back itself when it fails. */
  abandon(): void {
    if (this.#current === null) this.#giveBackPlace();
  }

  async #attempt(body: unknown): Promise<RunningSession> {
    const { services, life, calls, update, onRunning } = this.#options;
    const { starter, settings, owner, hold, startupOf } = services;
    const start = readSessionStart(body);
    const { callbacks } = calls;
    this.#place ??= await hold();
    let running: RunningSession;
    try {
      life.assertLives();
      running = await startSession(starter, {
        start,
        callbacks,
        place: this.#place,
        startupOf,
        segmentSeconds: settings.segmentSeconds,
        sideChannels: settings.sideChannels ?? SESSION_CHANNELS,
        isOrchestrator: (origin) => owner.isControlOrigin(origin),
        nextAttempt: () => ++this.#count,
        update,
        assertLives: () => life.assertLives(),
      });
    } catch (error) {
      // The client can do nothing about its orchestrator: the place is somebody else's meanwhile.
      const isOrchestrators = runnerErrorOf(error).code === "orchestrator_error";
      if (isOrchestrators || life.outcome !== null) this.#giveBackPlace();
      throw error;
    }
    this.#place = null; // the stream's
    onRunning(running);
    return running;
  }

  #giveBackPlace(): void {
    this.#place?.[Symbol.dispose]();
    this.#place = null;
  }
}
