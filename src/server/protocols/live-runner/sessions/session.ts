/** One session of a client: from its reservation through its stream to the moment when its orchestrator has it back (live-runner.md 3). */
import { logId } from "../../../../log.ts";
import { untilAborted } from "../../../../streams/until-aborted.ts";
import type { Place } from "../../../admission.ts";
import type { Stream } from "../../../streams/stream.ts";
import { notStarted, RunnerError, runnerErrorOf } from "../app/runner-errors.ts";
import { readSessionStart, readSessionUpdate } from "../app/session-start.ts";
import { SESSION_CHANNELS } from "../live-runner-protocol.ts";
import { SessionCallbacks } from "./callbacks.ts";
import type { SessionHeaders } from "./session-headers.ts";
import { SessionLimits } from "./session-limits.ts";
import { SessionLog } from "./session-log.ts";
import {
  INPUT_ENDED,
  isKept,
  isWithoutCall,
  outcomeOf,
  type SessionOutcome,
} from "./session-outcome.ts";
import { AFTER_ANSWER_MS, SessionRelease } from "./session-release.ts";
import type { SessionServices } from "./session-services.ts";
import { type RunningSession, startSession } from "./start-session.ts";

/** A stop is answered after this time at the latest, even if the stream has not ended yet. */
const STOP_WAIT_MS = 1000;
/** A client calls sooner than this after its reservation. */
const UNCALLED_MS = 3000;

export type SessionState = "reserved" | "starting" | "active" | "paused" | "draining" | "ended";

export class RunnerSession {
  /** The orchestrator's id. A credential: never logged. */
  readonly id: string;
  /** Names the session in logs. */
  readonly logId: string;
  /** `performance.now()` when it was first heard of. */
  readonly seenAt = performance.now();
  readonly #log: SessionLog;
  readonly #services: SessionServices;
  readonly #release: SessionRelease;
  readonly #limits: SessionLimits;
  readonly #ended = Promise.withResolvers<void>();
  /** Null before the first call. */
  #callbacks: SessionCallbacks | null = null;
  /** Held for its stream, which takes it over at the start. */
  #place: Place | null;
  #attempts = 0;
  #starting: Promise<RunningSession> | null = null;
  #running: RunningSession | null = null;
  #outcome: SessionOutcome | null = null;
  /** The outcome was concluded from how its stream ended, and its orchestrator has not been asked yet. */
  #isPresumed = false;
  /** From its end to its release, in milliseconds. */
  #releaseAfterMs = 0;
  /** `at` is `performance.now()`. */
  #end: { readonly date: Date; readonly at: number } | null = null;

  /** @param place held for it; null where none was free */
  constructor(id: string, services: SessionServices, place: Place | null) {
    this.id = id;
    this.logId = logId(id);
    this.#log = new SessionLog(this);
    this.#services = services;
    this.#place = place;
    const { owner, settings } = services;
    this.#limits = new SessionLimits(settings, this.seenAt);
    this.#release = new SessionRelease({
      logId: this.logId,
      // Before its first call only its client's way of stopping it is known.
      stop: () => this.#callbacks?.stop() ?? owner.stopByClientRoute(id),
      ...(settings.releaseRetryMs && { retryMs: settings.releaseRetryMs }),
    });
  }

  get state(): SessionState {
    if (this.#end !== null) return "ended";
    if (this.#outcome !== null) return "draining";
    if (this.#running !== null) return this.#running.stream.params.paused ? "paused" : "active";
    return this.#starting === null ? "reserved" : "starting";
  }
  /** How it ended, or is about to; null while it lives. */
  get outcome(): SessionOutcome | null {
    return this.#outcome;
  }
  /** Null before its start. Kept after its end. */
  get running(): RunningSession | null {
    return this.#running;
  }
  get endedAt(): Date | null {
    return this.#end?.date ?? null;
  }
  /** 0 while it lives. */
  get msSinceEnd(): number {
    return this.#end === null ? 0 : performance.now() - this.#end.at;
  }
  /** Settles when its stream is over and its place given back. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }
  /** Whether its orchestrator has it, as far as is known here. */
  get isHeld(): boolean {
    return this.#release.isHeld;
  }
  /** Settles when its orchestrator does not have it any more, or cannot be made to give it up. */
  get released(): Promise<void> {
    return this.#release.over;
  }

  /** A call of its client has arrived. */
  called(headers: SessionHeaders): void {
    const { tls, owner } = this.#services;
    if (this.#callbacks === null) owner.noteCall();
    this.#callbacks ??= new SessionCallbacks(headers, tls);
  }

  /**
   * Starts it, or returns the running one: a client may repeat its call. Throws RunnerError (`invalid_state` once it has
   * ended) and WorkerError; the next call may succeed then.
   */
  async start(body: unknown): Promise<RunningSession> {
    this.#assertLives();
    this.#starting ??= this.#begin(body);
    const starting = this.#starting;
    try {
      return await starting;
    } catch (error) {
      if (this.#starting === starting) {
        this.#starting = null;
        this.#log.refused(error);
      }
      throw error;
    }
  }

  /** Changes the parameters of its stream. Throws RunnerError, also before its start and after its end, and WorkerError. */
  async update(body: unknown): Promise<RunningSession> {
    const { stream } = await this.#started();
    this.#assertLives();
    const { fields, ignored, ...asked } = readSessionUpdate(body, stream.params);
    const remarks = await this.#services.updater.apply(stream, fields);
    const running = {
      ...(await this.#started()),
      ...asked,
      ignored: [...ignored, ...remarks.ignored],
      warnings: remarks.warnings,
    };
    this.#running = running;
    return running;
  }

  /** Throws as `update` does. */
  pause(): Promise<RunningSession> {
    return this.#apply({ paused: true });
  }

  /** Throws as `update` does. */
  resume(): Promise<RunningSession> {
    return this.#apply({ paused: false });
  }

  /**
   * Ends it for its client and releases it soon after. Settles when its stream is over, after a second at the latest.
   * Throws RunnerError before its start.
   */
  async stop(reason: string): Promise<{ readonly alreadyStopped: boolean }> {
    await this.#started();
    const alreadyStopped = this.#outcome !== null;
    this.end({ status: "stopped", reason }, AFTER_ANSWER_MS);
    await untilAborted(this.ended, AbortSignal.timeout(STOP_WAIT_MS));
    return { alreadyStopped };
  }

  /** Ends it, and releases it so long after its end. Does nothing if it has ended, or is about to. */
  end(outcome: SessionOutcome, releaseAfterMs = 0): void {
    if (this.#outcome !== null) return;
    // A client that sees the end of its output and stops the session does not change how it ended.
    this.#outcome = this.#running?.stream.isFinished ? INPUT_ENDED : outcome;
    this.#releaseAfterMs = releaseAfterMs;
    if (this.#running === null) this.#finish();
    else this.#endStream(this.#running.stream, this.#outcome);
  }

  /** Its orchestrator does not have it any more: it ends here, and the orchestrator is not called. */
  gone(outcome: SessionOutcome): void {
    this.#release.gone();
    if (this.#isPresumed) this.#outcome = outcome;
    else this.end(outcome);
  }

  /** Releases it now if its release is only waiting for the grace after its end. */
  hurry(): void {
    this.#release.hurry();
  }

  /** Its orchestrator lists it although it has ended: its release is tried again, unless it waits or is being tried. */
  releaseAgain(): void {
    if (this.#end !== null) void this.#release.begin(0);
  }

  /** Ends it where one of its time limits has passed. `now` is `performance.now()`. */
  checkLimits(now: number): void {
    if (this.#outcome !== null) return;
    let reached: SessionOutcome | null = null;
    if (this.#running !== null) reached = this.#limits.ofRunning(this.#running, now);
    else if (this.#starting === null) reached = this.#limits.ofReserved(now);
    if (reached !== null) this.end(reached);
  }

  async #begin(body: unknown): Promise<RunningSession> {
    const start = readSessionStart(body);
    const callbacks = this.#callbacks;
    if (callbacks === null) throw new Error("a session is started by a call");
    const { starter, settings, owner, hold, startupOf } = this.#services;
    this.#place ??= await hold();
    try {
      this.#assertLives();
      this.#running = await startSession(starter, {
        start,
        callbacks,
        place: this.#place,
        startupOf,
        segmentSeconds: settings.segmentSeconds,
        sideChannels: settings.sideChannels ?? SESSION_CHANNELS,
        isOrchestrator: (origin) => owner.isControlOrigin(origin),
        nextAttempt: () => ++this.#attempts,
        update: (update) => this.update(update),
        assertLives: () => this.#assertLives(),
      });
    } catch (error) {
      // The client can do nothing about its orchestrator: the place is somebody else's meanwhile.
      const isOrchestrators = runnerErrorOf(error).code === "orchestrator_error";
      if (isOrchestrators || this.#outcome !== null) this.#giveBackPlace();
      throw error;
    }
    this.#place = null; // the stream's
    const { stream } = this.#running;
    if (this.#outcome !== null) {
      this.#endStream(stream, this.#outcome);
      this.#assertLives();
    }
    this.#limits.started(performance.now());
    this.#log.started(stream);
    void stream.released.then(async () => await this.#streamEnded(stream));
    return this.#running;
  }

  async #apply(change: { readonly paused: boolean }): Promise<RunningSession> {
    const { stream } = await this.#started();
    this.#assertLives();
    await this.#services.updater.apply(stream, change);
    return await this.#started();
  }

  #endStream(stream: Stream, { reason }: SessionOutcome): void {
    this.#services.store.end(stream, `session ended: ${this.#log.redacted(reason)}`);
  }

  async #streamEnded(stream: Stream): Promise<void> {
    if (this.#outcome === null) {
      this.#outcome = outcomeOf(stream);
      if (isKept(this.#outcome)) this.#releaseAfterMs = this.#services.settings.endGraceMs;
      if (stream.endReason === null && !stream.isFinished) await this.#askForRelease();
    }
    this.#finish();
  }

  /** A release closes the session's channels, where it is often noticed first: then it is no failure of the stream. */
  async #askForRelease(): Promise<void> {
    this.#isPresumed = true;
    await this.#services.owner.refresh();
    this.#isPresumed = false;
  }

  /** Nothing of it is left here but its record. */
  #finish(): void {
    this.#end = { date: new Date(), at: performance.now() };
    if (this.#starting === null || this.#running !== null) this.#giveBackPlace();
    this.#log.ended(this.#outcome);
    if (this.#callbacks === null && isWithoutCall(this.#outcome) && this.#hadTimeForACall)
      this.#services.owner.noteUncalled();
    this.#services.onEnd?.(this);
    this.#ended.resolve();
    void this.#release.begin(this.#releaseAfterMs);
  }

  /** A client may reserve a session and stop it at once. */
  get #hadTimeForACall(): boolean {
    const { uncalledMs = UNCALLED_MS } = this.#services.settings;
    return performance.now() - this.seenAt >= uncalledMs;
  }

  #giveBackPlace(): void {
    this.#place?.[Symbol.dispose]();
    this.#place = null;
  }

  /** Waits for a start that is under way. Throws RunnerError `session_not_found` where there is none. */
  async #started(): Promise<RunningSession> {
    await this.#starting?.catch(() => {}); // the start itself reports it
    if (this.#running !== null) return this.#running;
    throw notStarted();
  }

  #assertLives(): void {
    if (this.#outcome === null) return;
    const { status } = this.#outcome;
    throw new RunnerError("invalid_state", `the session is over (${status}): reserve another one`, {
      session_status: status,
    });
  }
}
