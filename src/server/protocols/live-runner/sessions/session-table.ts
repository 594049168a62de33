/** Keeps the sessions of one registration: offers places, follows what the orchestrator reserves and releases, and ends sessions (live-runner.md 3). */
import { getLogger } from "../../../../log.ts";
import { pause } from "../../../../streams/pause.ts";
import { untilAborted } from "../../../../streams/until-aborted.ts";
import type { Admission, Place } from "../../../admission.ts";
import type { Capacity } from "../../../capacity.ts";
import { RunnerError } from "../app/runner-errors.ts";
import type { RunnerSessions, RunnerStatus } from "../runner-sessions.ts";
import { RunnerSession } from "./session.ts";
import { sessionHeaders } from "./session-headers.ts";
import { LOST, RELEASED, SHUTDOWN } from "./session-outcome.ts";
import type { SessionServices } from "./session-services.ts";

const log = getLogger("sessions");

const MAX_RECORDS = 64;
const RECORD_MS = 3_600_000;
const MAX_LOOK_MS = 1000;
/** After the grace of a drain, for tails to leave and for the orchestrator to answer. */
const RELEASE_MS = 8000;

export interface SessionTableOptions extends Omit<SessionServices, "hold"> {
  /** The places that sessions share with all other work. */
  readonly admission: Pick<Admission, "admit" | "take" | "capacity" | "taken">;
  /** What the devices can serve at present, in places. */
  readonly places: Pick<Capacity, "total" | "used">;
  /** `loading` until the first engine is up. */
  readonly engines: { readonly state: "loading" | "ready" | "broken" };
  /** `RUNNER_CAPACITY`: the most that is offered. */
  readonly capacity: number;
}

export class SessionTable implements RunnerSessions {
  readonly #options: SessionTableOptions;
  readonly #services: SessionServices;
  /** Those that live, those that are not released yet, and the records of ended ones. */
  readonly #sessions = new Map<string, RunnerSession>();
  /** Runs while there are sessions that may reach a time limit. */
  #clock: Timer | null = null;
  #isDraining = false;

  constructor(options: SessionTableOptions) {
    this.#options = options;
    this.#services = { ...options, hold: () => this.#hold() };
  }

  /** The sessions that the orchestrator has, as far as is known here. Their ids are credentials. */
  get ids(): readonly string[] {
    return this.#held().map(({ id }) => id);
  }

  /** Every session that is known here, ended ones too. */
  get all(): readonly RunnerSession[] {
    this.#forgetOld();
    return [...this.#sessions.values()];
  }

  /** Whether the clock runs: some session may still reach a time limit. */
  get isWatching(): boolean {
    return this.#clock !== null;
  }

  offer(): { readonly capacity: number; readonly status: RunnerStatus } {
    const { places, engines, capacity: most } = this.#options;
    const all = this.#held();
    const held = all.length;
    if (this.#isDraining) {
      // The place of an ended session must not be sold again once it is released.
      const living = all.filter(({ outcome }) => outcome === null).length;
      return { capacity: Math.max(1, living), status: held > 0 ? "ready" : "draining" };
    }
    const free = Math.max(0, places.total - places.used);
    const capacity = Math.max(1, Math.min(most, held + free));
    // Any other status would cut off the living sessions.
    if (held > 0) return { capacity, status: "ready" };
    if (engines.state === "loading") return { capacity, status: "loading" };
    return { capacity, status: free > 0 ? "ready" : "busy" };
  }

  reserved(id: string): void {
    this.#known(id);
  }

  released(id: string): void {
    this.#sessions.get(id)?.gone(RELEASED);
  }

  reconcile(listed: readonly string[], askedAt: number): void {
    const ids = new Set(listed);
    for (const session of this.#held()) {
      if (session.seenAt < askedAt && !ids.has(session.id)) session.gone(RELEASED);
    }
    for (const id of ids) {
      const { endedAt } = this.#known(id);
      // It has ended and is still listed: its release did not arrive.
      if (endedAt !== null) this.#sessions.get(id)?.releaseAgain();
    }
  }

  lost(why: string): void {
    const held = this.#held();
    if (held.length > 0) {
      const { orchestrator } = this.#options.owner;
      log.warn("sessions lost with their registration", {
        orchestrator,
        sessions: held.length,
        why,
      });
    }
    for (const session of held) session.gone(LOST);
  }

  async drain(graceMs: number): Promise<void> {
    this.#isDraining = true;
    for (const session of this.#held()) {
      session.hurry();
      if (session.state === "reserved") session.end(SHUTDOWN);
    }
    const grace = new AbortController();
    const released = () => Promise.all(this.#held().map((session) => session.released));
    await Promise.race([released(), pause(graceMs, grace.signal)]);
    grace.abort();
    for (const session of this.#held()) session.end(SHUTDOWN);
    await untilAborted(released(), AbortSignal.timeout(RELEASE_MS));
    this.#stopClock();
  }

  /**
   * The session that a request belongs to; it is taken up where it is not known yet. Throws RunnerError
   * `missing_session_id` and `foreign_control_url`.
   */
  sessionOf(request: Request): RunnerSession {
    const { owner } = this.#options;
    const headers = sessionHeaders(request, (origin) => owner.isControlOrigin(origin));
    const session = this.#known(headers.id);
    session.called(headers);
    return session;
  }

  #held(): RunnerSession[] {
    return [...this.#sessions.values()].filter(({ isHeld }) => isHeld);
  }

  #known(id: string): RunnerSession {
    const known = this.#sessions.get(id);
    if (known !== undefined) return known;
    this.#forgetOld();
    const { admission } = this.#options;
    // Without a place it gets one at its start, or is refused then.
    const isFree = !this.#isDraining && admission.taken < admission.capacity;
    const session = new RunnerSession(id, this.#services, isFree ? admission.take() : null);
    this.#sessions.set(id, session);
    log.info("session reserved", { session: session.logId, has_place: isFree });
    this.#startClock();
    return session;
  }

  /** Takes a place for a start that has none. Sessions that the orchestrator has released do not count as taken. */
  async #hold(): Promise<Place> {
    const { admission } = this.#options;
    if (this.#isDraining)
      throw new RunnerError("runner_unavailable", "the runner is shutting down: try another one");
    if (admission.taken >= admission.capacity) await this.#options.owner.refresh();
    // The tail of a session that its orchestrator has released is seen by nobody: its place counts as free.
    const leaving = [...this.#sessions.values()].filter(
      ({ state, isHeld }) => state === "draining" && !isHeld,
    );
    admission.admit(undefined, leaving.length);
    return admission.take();
  }

  #startClock(): void {
    const { unusedTimeoutMs, idleTimeoutMs, maxSessionMs } = this.#options.settings;
    const shortest = Math.min(unusedTimeoutMs, idleTimeoutMs, maxSessionMs || idleTimeoutMs);
    this.#clock ??= setInterval(() => this.#look(), Math.min(MAX_LOOK_MS, shortest / 4));
  }

  #stopClock(): void {
    if (this.#clock !== null) clearInterval(this.#clock);
    this.#clock = null;
  }

  #look(): void {
    const now = performance.now();
    const alive = [...this.#sessions.values()].filter(({ endedAt }) => endedAt === null);
    for (const session of alive) session.checkLimits(now);
    if (alive.length === 0) this.#stopClock();
  }

  /** Keeps the records of ended sessions for a while, and not too many of them. */
  #forgetOld(): void {
    const records = [...this.#sessions.values()].filter(({ endedAt }) => endedAt !== null);
    for (const [n, { id, isHeld, msSinceEnd }] of records.entries()) {
      const isOld = msSinceEnd > RECORD_MS;
      const isSurplus = n < records.length - MAX_RECORDS && !isHeld;
      if (isOld || isSurplus) this.#sessions.delete(id);
    }
  }
}
