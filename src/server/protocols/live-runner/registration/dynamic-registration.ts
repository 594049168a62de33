/** A runner that registers itself with one orchestrator: its heartbeats, its o2r channel and its sessions. */
import { randomInt } from "node:crypto";
import { getLogger } from "../../../../log.ts";
import { untilAborted } from "../../../../streams/until-aborted.ts";
import type { OrchestratorTls } from "../../orchestrator-http.ts";
import type {
  RunnerRegistration,
  RunnerSessions,
  SessionOwner,
  SessionStop,
} from "../runner-sessions.ts";
import { CallbackProbe } from "./callback-probe.ts";
import type { HeartbeatAnswer, HeartbeatBody } from "./heartbeat.ts";
import { type BeatTiming, type HeartbeatHandlers, Heartbeats } from "./heartbeats.ts";
import { followO2r } from "./o2r.ts";
import { heartbeatBody, type RunnerFacts, type RunnerPresent, shownBaseUrl } from "./offer.ts";
import {
  type RecordOptions,
  RegistrationRecord,
  type RunnerFailure,
} from "./registration-record.ts";
import type { RunnerClient } from "./runner-client.ts";
import { UncalledSessions } from "./uncalled-sessions.ts";

const log = getLogger("registration");

const ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789";
const RANDOM_CHARACTERS = 10;
/** A client waits 5 s for the answer to its start, which may wait for a refresh. */
const REFRESH_MS = 1500;

/** The state of a runner's registration with one orchestrator. */
export interface RunnerState {
  readonly app: string;
  /** As in ORCH_URL. */
  readonly orchestrator: string;
  readonly registered: boolean;
  /** When the registration was made; null without one. */
  readonly since: Date | null;
  /** The last failure since a heartbeat was accepted. */
  readonly failure: RunnerFailure | null;
}

export interface DynamicOptions<S extends RunnerSessions> {
  readonly client: RunnerClient;
  readonly tls: OrchestratorTls;
  /** Of `/runner/{key}`. */
  readonly key: string;
  /** RUNNER_ID. */
  readonly idPrefix: string;
  readonly facts: RunnerFacts;
  /** Read for every heartbeat; must not wait. */
  readonly present: () => Pick<RunnerPresent, "gpu" | "metadata">;
  /** Whether ALLOW_HOSTS names this origin. */
  readonly allows: (origin: string) => boolean;
  readonly sessions: (owner: SessionOwner) => S;
  readonly offLevel: RecordOptions["offLevel"];
  readonly timing?: BeatTiming;
}

export class DynamicRegistration<S extends RunnerSessions> implements RunnerRegistration<S> {
  readonly key: string;
  readonly sessions: S;
  readonly #options: DynamicOptions<S>;
  readonly #beats: Heartbeats;
  readonly #stop = new AbortController();
  readonly #uncalled: UncalledSessions;
  readonly #probe: CallbackProbe;
  readonly #record: RegistrationRecord;
  /** Every id under which calls may still arrive. */
  readonly #ids = new Set<string>();
  #running: Promise<void> = Promise.resolve();
  #baseUrl = "";
  #runnerUrl = "";
  /** It was registered before an engine was up. */
  #isLoading = false;
  #o2r = new AbortController();

  constructor(options: DynamicOptions<S>) {
    this.key = options.key;
    this.#options = options;
    const { facts, offLevel } = options;
    const { orchestrator } = this;
    this.#record = new RegistrationRecord({ app: facts.app, orchestrator, offLevel });
    this.#uncalled = new UncalledSessions(orchestrator);
    this.#probe = new CallbackProbe(options.client.url, options.tls);
    this.#beats = new Heartbeats(this.#beating(), options.timing);
    this.sessions = options.sessions(this);
  }

  get orchestrator(): string {
    return this.#options.client.url;
  }

  get runnerId(): string | null {
    return this.#beats.runnerId;
  }

  get state(): RunnerState {
    const registered = this.#beats.isRegistered;
    return {
      app: this.#options.facts.app,
      orchestrator: this.orchestrator,
      registered,
      since: registered ? this.#record.since : null,
      failure: this.#record.failure,
    };
  }

  /** Whether the orchestrator may route by this id to here. */
  isRoute(route: string): boolean {
    return this.#ids.has(route);
  }

  isControlOrigin(origin: string): boolean {
    return (
      origin === new URL(this.orchestrator).origin ||
      origin === this.#probe.origin ||
      this.#options.allows(origin)
    );
  }

  /** Begins to register `path` below `/runner/{key}` of this server at `base`; HTTP must answer there by then. */
  start(base: string, path = ""): void {
    this.#baseUrl = base;
    this.#runnerUrl = `${base}/runner/${this.key}${path}`;
    this.#running = this.#beats.run(this.#stop.signal);
  }

  async stopByClientRoute(sessionId: string): Promise<SessionStop> {
    const id = this.runnerId;
    // Without a registration the orchestrator has none of its sessions.
    return id === null ? { kind: "stopped" } : this.#options.client.stopSession(id, sessionId);
  }

  async refresh(): Promise<void> {
    await untilAborted(this.#beats.beatNow(), AbortSignal.timeout(REFRESH_MS));
  }

  noteUncalled(): void {
    this.#uncalled.add(this.#runnerUrl);
  }

  noteCall(): void {
    this.#uncalled.reset();
  }

  /** Settles when no session is left; they have about `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    const drained = this.sessions.drain(graceMs);
    void this.#beats.beatNow();
    await drained;
  }

  /** Ends the registration, until `deadline` aborts. Never throws. */
  async leave(deadline: AbortSignal): Promise<void> {
    this.#stop.abort();
    this.#o2r.abort();
    const outcome = await this.#beats.leave(this.#running, deadline);
    if (outcome !== null) this.#record.left(outcome.kind === "done" ? null : outcome.message);
  }

  #beating(): HeartbeatHandlers {
    return {
      client: this.#options.client,
      newId: () => this.#newId(),
      body: (id) => this.#body(id),
      registered: (answer) => this.#registered(answer),
      answered: (answer, askedAt) => this.#answered(answer, askedAt),
      lost: (why) => this.#lost(why),
      failed: (failure, isRegistered) => this.#record.failed(failure, isRegistered),
    };
  }

  #newId(): string {
    const random = Array.from(
      { length: RANDOM_CHARACTERS },
      () => ID_CHARACTERS[randomInt(ID_CHARACTERS.length)],
    );
    return `${this.#options.idPrefix}-${random.join("")}`;
  }

  #body(runnerId: string): HeartbeatBody {
    const { facts, present } = this.#options;
    return heartbeatBody(facts, {
      ...present(),
      ...this.sessions.offer(),
      runnerId,
      runnerUrl: this.#runnerUrl,
      sessionIds: this.sessions.ids,
    });
  }

  #registered(answer: HeartbeatAnswer): void {
    const { capacity, status } = this.sessions.offer();
    this.#ids.add(answer.runnerId);
    this.#isLoading = status === "loading";
    this.#record.registered({
      runner: answer.runnerId,
      url: shownBaseUrl(this.#baseUrl),
      status,
      // Until an engine is up nothing is known of what it can serve.
      ...(status !== "loading" && { capacity }),
    });
    // o2r is at the orchestrator's address for callbacks.
    this.#probe.follow(answer.orchestrator);
    this.#followO2r(answer.o2rUrl);
  }

  #answered(answer: HeartbeatAnswer, askedAt: number): void {
    this.#record.answered();
    const { capacity, status } = this.sessions.offer();
    if (this.#isLoading && status !== "loading") this.#record.ready(capacity);
    this.#isLoading &&= status === "loading";
    this.#probe.follow(answer.orchestrator);
    this.sessions.reconcile(answer.sessionIds, askedAt);
  }

  #lost(why: string): void {
    this.#o2r.abort();
    this.#record.lost(why);
    this.sessions.lost("the orchestrator has dropped the runner");
  }

  #followO2r(url: string | null): void {
    this.#o2r.abort();
    this.#o2r = new AbortController();
    if (url === null || this.#stop.signal.aborted) return;
    const origin = URL.parse(url)?.origin ?? "";
    if (!this.isControlOrigin(origin)) {
      log.warn("runner: the o2r channel is at another host and is not read", {
        orchestrator: this.orchestrator,
        why: `${origin} is neither ORCH_URL nor the orchestrator's callback address: releases are noticed a heartbeat later; ALLOW_HOSTS can name it`,
      });
      return;
    }
    const { rejectUnauthorized: verifyTls, ca } = this.#options.tls;
    const endpoint = { url, verifyTls, ...(ca === undefined ? {} : { ca }) };
    const { signal } = this.#o2r;
    void followO2r(endpoint, this.sessions, { signal, orchestrator: this.orchestrator });
  }
}
