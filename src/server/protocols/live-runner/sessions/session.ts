/** One session of a client: from its reservation through its stream to the moment when its orchestrator has it back (live-runner.md 3). */
import { logId } from "../../../../log.ts";
import { untilAborted } from "../../../../streams/until-aborted.ts";
import type { Place } from "../../../admission.ts";
import type { Stream } from "../../../streams/stream.ts";
import { notStarted } from "../app/runner-errors.ts";
import { readSessionUpdate } from "../app/session-start.ts";
import { SessionCalls } from "./session-calls.ts";
import type { SessionHeaders } from "./session-headers.ts";
import { SessionLife } from "./session-life.ts";
import { SessionLimits } from "./session-limits.ts";
import { SessionLog } from "./session-log.ts";
import { INPUT_ENDED, isKept, outcomeOf, type SessionOutcome } from "./session-outcome.ts";
import { AFTER_ANSWER_MS, SessionRelease } from "./session-release.ts";
import type { SessionServices } from "./session-services.ts";
import { StartAttempts } from "./start-attempts.ts";
import type { RunningSession } from "./start-session.ts";

/** A stop is answered after this time at the latest, even if the stream has not ended yet. */
const STOP_WAIT_MS = 1000;

export type SessionState = "reserved" | "starting" | "active" | "paused" | "draining" | "ended";

export class RunnerSession {
  /** The orchestrator's id. A credential: never logged. */
  readonly id: string;
  /** Names the session in logs. */
  readonly logId: string;
  /** `performance.now()` when it was first heard of. */
  readonly seenAt = performance.now();
  readonly #services: SessionServices;
  readonly #log = new SessionLog(this);
  readonly #life = new SessionLife();
  readonly #calls: SessionCalls;
  readonly #attempts: StartAttempts;
  readonly #limits: SessionLimits;
  readonly #release: SessionRelease;
  #running: RunningSession | null = null;

  /** @param place held for it; null where none was free */
  constructor(id: string, services: SessionServices, place: Place | null) {
    this.id = id;
    this.logId = logId(id);
    this.#services = services;
    this.#calls = new SessionCalls(this, services);
    this.#attempts = new StartAttempts(place, {
      services,
      life: this.#life,
      calls: this.#calls,
      log: this.#log,
      update: (body) => this.update(body),
      onRunning: (running) => this.#onRunning(running),
    });
    const { releaseRetryMs: retryMs } = services.settings;
    this.#limits = new SessionLimits(services.settings, this.seenAt);
    this.#release = new SessionRelease({
      logId: this.logId,
      stop: () => this.#calls.stop(),
      ...(retryMs && { retryMs }),
    });
  }

  get state(): SessionState {
    if (this.endedAt !== null) return "ended";
    if (this.outcome !== null) return "draining";
    if (this.#running !== null) return this.#running.stream.params.paused ? "paused" : "active";
    return this.#attempts.hasBegun ? "starting" : "reserved";
  }
  /** How it ended, or is about to; null while it lives. */
  get outcome(): SessionOutcome | null {
    return this.#life.outcome;
  }
  /** Null before its start. Kept after its end. */
  get running(): RunningSession | null {
    return this.#running;
  }
  get endedAt(): Date | null {
    return this.#life.endedAt;
  }
  /** 0 while it lives. */
  get msSinceEnd(): number {
    return this.#life.msSinceEnd;
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
    this.#calls.arrived(headers);
  }

  /**
   * Starts it, or returns the running one: a client may repeat its call. Throws RunnerError (`invalid_state` once it has
   * ended) and WorkerError; the next call may succeed then.
   */
  start(body: unknown): Promise<RunningSession> {
    return this.#attempts.start(body);
  }

  /** Changes the parameters of its stream. Throws RunnerError, also before its start and after its end, and WorkerError. */
  async update(body: unknown): Promise<RunningSession> {
    const { stream } = await this.#started();
    this.#life.assertLives();
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
    const alreadyStopped = this.outcome !== null;
    this.end({ status: "stopped", reason }, AFTER_ANSWER_MS);
    await untilAborted(this.#life.ended, AbortSignal.timeout(STOP_WAIT_MS));
    return { alreadyStopped };
  }

  /** Ends it, and releases it so long after its end. Does nothing if it has ended, or is about to. */
  end(outcome: SessionOutcome, releaseAfterMs = 0): void {
    const stream = this.#running?.stream ?? null;
    // A client that sees the end of its output and stops the session does not change how it ended.
    const concluded = stream?.isFinished ? INPUT_ENDED : outcome;
    if (!this.#life.conclude(concluded, releaseAfterMs)) return;
    if (stream === null) this.#finish();
    else this.#endStream(stream, concluded);
  }

  /** Its orchestrator does not have it any more: it ends here, and the orchestrator is not called. */
  gone(outcome: SessionOutcome): void {
    this.#release.gone();
    if (!this.#life.correct(outcome)) this.end(outcome);
  }

  /** Releases it now if its release is only waiting for the grace after its end. */
  hurry(): void {
    this.#release.hurry();
  }

  /** Its orchestrator lists it although it has ended: its release is tried again, unless it waits or is being tried. */
  releaseAgain(): void {
    if (this.endedAt !== null) void this.#release.begin(0);
  }

  /** Ends it where one of its time limits has passed. `now` is `performance.now()`. */
  checkLimits(now: number): void {
    if (this.outcome !== null) return;
    let reached: SessionOutcome | null = null;
    if (this.#running !== null) reached = this.#limits.ofRunning(this.#running, now);
    else if (!this.#attempts.hasBegun) reached = this.#limits.ofReserved(now);
    if (reached !== null) this.end(reached);
  }

  /** Its stream runs. Throws RunnerError, and ends the stream, where it has ended meanwhile. */
  #onRunning(running: RunningSession): void {
    this.#running = running;
    const { stream } = running;
    if (this.outcome !== null) this.#endStream(stream, this.outcome);
    this.#life.assertLives();
    this.#limits.started(performance.now());
    this.#log.started(stream);
    void stream.released.then(async () => await this.#streamEnded(stream));
  }

  async #apply(change: { readonly paused: boolean }): Promise<RunningSession> {
    const { stream } = await this.#started();
    this.#life.assertLives();
    await this.#services.updater.apply(stream, change);
    return await this.#started();
  }

  #endStream(stream: Stream, { reason }: SessionOutcome): void {
    this.#services.store.end(stream, `session ended: ${this.#log.redacted(reason)}`);
  }

  async #streamEnded(stream: Stream): Promise<void> {
    const { owner, settings } = this.#services;
    const outcome = outcomeOf(stream);
    const isFirst = this.#life.conclude(outcome, isKept(outcome) ? settings.endGraceMs : 0);
    if (isFirst && stream.endReason === null && !stream.isFinished) {
      // A release closes the session's channels, where it is often noticed first: then it is no failure of the stream.
      this.#life.presume();
      await owner.refresh();
    }
    this.#finish();
  }

  /** Nothing of it is left here but its record. */
  #finish(): void {
    this.#attempts.abandon();
    this.#life.end();
    const { outcome, releaseAfterMs } = this.#life;
    this.#log.ended(outcome);
    this.#calls.ended(outcome);
    this.#services.onEnd?.(this);
    void this.#release.begin(releaseAfterMs);
  }

  /** Waits for a start that is under way. Throws RunnerError `session_not_found` where there is none. */
  async #started(): Promise<RunningSession> {
    await this.#attempts.settled();
    if (this.#running !== null) return this.#running;
    throw notStarted();
  }
}
