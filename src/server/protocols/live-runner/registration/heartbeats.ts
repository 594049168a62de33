/**
 * Keeps one runner registered with one orchestrator: sends its heartbeats, registers anew where the orchestrator has
 * forgotten it, and retries whatever fails (live-runner.md 2.1, 2.2). Runs in the server process and waits for nothing but
 * the orchestrator: beats go on while engines load, hang or restart.
 */
import { answerTimeout } from "../../../../answer-timeout.ts";
import { untilAborted } from "../../../../streams/until-aborted.ts";
import { backOffMs, REAL_RETRIES, REFUSED_MS, type RetryTiming } from "../../registration-retry.ts";
import { DEFAULT_INTERVAL_MS, type HeartbeatAnswer, type HeartbeatBody } from "./heartbeat.ts";
import type { BeatOutcome, LeaveOutcome, RunnerClient } from "./runner-client.ts";

const LONGEST_TIMEOUT_MS = 5000;
/** An expired runner is swept within 5 s: until then its id is refused with a 404. */
const SWEPT_RETRY_MS = 2000;
const SWEPT_WITHIN_MS = 8000;

/** Clock; replaced in tests. */
export interface BeatTiming extends RetryTiming {
  /** Milliseconds, as `performance.now()`. */
  readonly now: () => number;
}

export const REAL_BEATS: BeatTiming = { ...REAL_RETRIES, now: () => performance.now() };

export type BeatFailure = Exclude<BeatOutcome, { kind: "accepted" }>;

/** What heartbeats are made of, and callbacks for their outcomes. */
export interface HeartbeatHandlers {
  readonly client: Pick<RunnerClient, "heartbeat" | "unregister">;
  /** Makes an id that no orchestrator has. */
  newId(): string;
  body(runnerId: string): HeartbeatBody;
  /** A new registration was accepted; `answer` has its o2r. Comes before `answered`. */
  registered(answer: HeartbeatAnswer): void;
  /** The orchestrator has accepted a heartbeat that left at `askedAt`. */
  answered(answer: HeartbeatAnswer, askedAt: number): void;
  /** The orchestrator has dropped the registration, with its sessions. */
  lost(why: string): void;
  /** A heartbeat failed; it is sent again. `isRegistered`: the orchestrator still has the registration. */
  failed(failure: BeatFailure, isRegistered: boolean): void;
}

/** A registration that the orchestrator has accepted. */
interface Held {
  readonly secret: string;
  readonly intervalMs: number;
  readonly ttlMs: number;
  readonly acceptedAt: number;
}

export class Heartbeats {
  readonly #handlers: HeartbeatHandlers;
  readonly #timing: BeatTiming;
  #id: string;
  #held: Held | null = null;
  #failures = 0;
  /** Whether the id was replaced since the last accepted heartbeat: if a new one does not help, another does not either. */
  #hasNewId = false;
  #sweepingSince: number | null = null;
  #state: "waiting" | "beating" | "ended" = "ended";
  /** Ends the wait for the next heartbeat. */
  #soon = new AbortController();
  /** Settles when it is known what came of the next heartbeat. */
  #judged = Promise.withResolvers<void>();
  /** Requests outlive `stop` until the end of `leave`: one that is cut short may have registered the runner. */
  readonly #abandon = new AbortController();

  constructor(handlers: HeartbeatHandlers, timing: BeatTiming = REAL_BEATS) {
    this.#handlers = handlers;
    this.#timing = timing;
    this.#id = handlers.newId();
  }

  /** The id that the orchestrator routes by; null while it has none. */
  get runnerId(): string | null {
    return this.#held === null ? null : this.#id;
  }

  /** Whether the orchestrator still has the registration, as far as can be known here. */
  get isRegistered(): boolean {
    return this.#held !== null && this.#timing.now() - this.#held.acceptedAt < this.#held.ttlMs;
  }

  /** Sends a heartbeat at once; settles when it is known what came of it, or when none is sent any more. Never rejects. */
  async beatNow(): Promise<void> {
    if (this.#state === "ended") return;
    // A heartbeat in flight was sent too early to count: wait for it, then send another.
    if (this.#state === "beating") await this.#judged.promise;
    this.#soon.abort();
    await this.#judged.promise;
  }

  /** Runs until `stop` aborts. Never throws. */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      this.#soon = new AbortController();
      const soon = this.#soon.signal;
      this.#state = "beating";
      const waitMs = await this.#beat();
      this.#state = "waiting";
      this.#judged.resolve();
      this.#judged = Promise.withResolvers();
      if (waitMs > 0) await this.#timing.wait(waitMs, AbortSignal.any([stop, soon]));
    }
    this.#state = "ended";
    this.#judged.resolve();
  }

  /** Ends the registration, after `run` has returned or `deadline` aborted. Null where there is none. Never throws. */
  async leave(running: Promise<void>, deadline: AbortSignal): Promise<LeaveOutcome | null> {
    const onDeadline = () => this.#abandon.abort(deadline.reason);
    deadline.addEventListener("abort", onDeadline, { once: true });
    await untilAborted(running, deadline);
    const held = this.#held;
    this.#held = null;
    return held && (await this.#handlers.client.unregister(this.#id, held.secret, deadline));
  }

  /** Sends one heartbeat; returns how long to wait for the next. */
  async #beat(): Promise<number> {
    const askedAt = this.#timing.now();
    const held = this.#held;
    const timeoutMs = Math.min(held?.intervalMs ?? DEFAULT_INTERVAL_MS, LONGEST_TIMEOUT_MS);
    using late = answerTimeout(timeoutMs);
    const signal = AbortSignal.any([this.#abandon.signal, late.signal]);
    const body = this.#handlers.body(this.#id);
    const outcome = await this.#handlers.client.heartbeat(body, held?.secret ?? null, signal);
    if (outcome.kind === "accepted") return this.#accepted(outcome.answer, askedAt);
    if (held !== null && (outcome.kind === "unauthorized" || isNotFound(outcome)))
      return this.#lost(outcome.message);
    const [failure, waitMs] = this.#judge(outcome);
    if (failure !== null) this.#handlers.failed(failure, this.isRegistered);
    return waitMs;
  }

  #accepted(answer: HeartbeatAnswer, askedAt: number): number {
    const secret = answer.secret ?? this.#held?.secret;
    if (secret === undefined) {
      const message = "it accepted the registration without a heartbeat_secret in its answer";
      this.#handlers.failed({ kind: "refused", message }, false);
      return REFUSED_MS;
    }
    const isNew = this.#held === null;
    const { intervalMs, ttlMs } = answer;
    this.#id = answer.runnerId;
    this.#held = { secret, intervalMs, ttlMs, acceptedAt: this.#timing.now() };
    this.#failures = 0;
    this.#hasNewId = false;
    this.#sweepingSince = null;
    if (isNew) this.#handlers.registered(answer);
    this.#handlers.answered(answer, askedAt);
    return Math.max(0, askedAt + intervalMs - this.#timing.now());
  }

  /** Registers again at once, under the same id: the orchestrator has restarted, or missed too many heartbeats. */
  #lost(why: string): number {
    this.#held = null;
    this.#failures = 0;
    this.#handlers.lost(why);
    return 0;
  }

  /** How a failure is reported, null where it is expected to pass, and how long to wait. */
  #judge(outcome: BeatFailure): [BeatFailure | null, number] {
    if (outcome.kind !== "unreachable") this.#failures = 0;
    // A proxy's page or a passing fault must not cost the sessions: the orchestrator may accept the next one.
    if (this.isRegistered) return [outcome, this.#earlyMs()];
    switch (outcome.kind) {
      case "unreachable":
        return [outcome, backOffMs(this.#failures++, this.#timing)];
      case "refused":
      case "off":
        return [outcome, REFUSED_MS];
      // The id may be alive under a secret that never reached us.
      case "unauthorized":
      case "static_id":
        return this.#withNewId(outcome);
      case "unknown":
        return this.#untilSwept(outcome);
      default:
        return outcome.kind satisfies never;
    }
  }

  /** While the orchestrator still has the registration, an early heartbeat saves it. */
  #earlyMs(): number {
    const soon = backOffMs(0, this.#timing);
    return Math.min(soon, this.#held?.intervalMs ?? soon);
  }

  #withNewId(outcome: BeatFailure): [BeatFailure | null, number] {
    if (this.#hasNewId) return [outcome, REFUSED_MS];
    this.#hasNewId = true;
    this.#sweepingSince = null;
    this.#id = this.#handlers.newId();
    return [null, 0];
  }

  #untilSwept(outcome: BeatFailure): [BeatFailure | null, number] {
    const now = this.#timing.now();
    this.#sweepingSince ??= now;
    if (this.#hasNewId || now - this.#sweepingSince >= SWEPT_WITHIN_MS)
      return this.#withNewId(outcome);
    return [null, SWEPT_RETRY_MS];
  }
}

const isNotFound = ({ kind }: BeatFailure): boolean => kind === "unknown" || kind === "off";
