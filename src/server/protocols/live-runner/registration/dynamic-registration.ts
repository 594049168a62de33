/** A runner that registers itself with one orchestrator: its heartbeats, its o2r channel and its sessions. */
import { randomInt } from "node:crypto";
import { getLogger, type LogLevel } from "../../../../log.ts";
import type { OrchestratorTls } from "../orchestrator-http.ts";
import type {
  RunnerRegistration,
  RunnerSessions,
  SessionOwner,
  SessionStop,
} from "../runner-sessions.ts";
import { CallbackProbe } from "./callback-probe.ts";
import type { HeartbeatAnswer, HeartbeatBody } from "./heartbeat.ts";
import { type BeatFailure, type Beating, type BeatTiming, Heartbeats } from "./keep-beating.ts";
import { followO2r } from "./o2r.ts";
import { heartbeatBody, type RunnerFacts, type RunnerPresent } from "./offer.ts";
import type { RunnerClient } from "./runner-client.ts";
import { UncalledSessions } from "./uncalled-sessions.ts";

const log = getLogger("registration");

const ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789";
const RANDOM_CHARACTERS = 10;

/** How a runner stands with an orchestrator. */
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

export interface RunnerFailure {
  readonly kind: (typeof FAILURE_KINDS)[number];
  readonly message: string;
  readonly at: Date;
}

/** `off`: the orchestrator takes no runners. */
export const FAILURE_KINDS = ["unauthorized", "off", "refused", "unreachable"] as const;

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
  /** How an orchestrator that takes no runners is logged: where it may take BYOC's registration, it is no error. */
  readonly offLevel: Extract<LogLevel, "warning" | "error">;
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
  /** Every id under which calls may still arrive. */
  readonly #ids = new Set<string>();
  #running: Promise<void> = Promise.resolve();
  #runnerUrl = "";
  #o2r = new AbortController();
  #since: Date | null = null;
  #failure: RunnerFailure | null = null;
  #reported = "";
  /** Settles when it is known what came of the next heartbeat. */
  #judged = Promise.withResolvers<void>();

  constructor(options: DynamicOptions<S>) {
    this.key = options.key;
    this.#options = options;
    this.#uncalled = new UncalledSessions(this.orchestrator);
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
    return {
      app: this.#options.facts.app,
      orchestrator: this.orchestrator,
      registered: this.#beats.isRegistered,
      since: this.#since,
      failure: this.#failure,
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

  /** Begins to register `runnerUrl`; HTTP must answer there by then. */
  start(runnerUrl: string): void {
    this.#runnerUrl = runnerUrl;
    this.#running = this.#beats.run(this.#stop.signal);
  }

  async stopByClientRoute(sessionId: string): Promise<SessionStop> {
    const id = this.runnerId;
    // Without a registration the orchestrator has none of its sessions.
    return id === null ? { kind: "stopped" } : this.#options.client.stopSession(id, sessionId);
  }

  async refresh(): Promise<void> {
    this.#beats.beatSoon();
    await this.#judged.promise;
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
    this.#beats.beatSoon();
    await drained;
  }

  /** Ends the registration, until `deadline` aborts. Never throws. */
  async leave(deadline: AbortSignal): Promise<void> {
    this.#stop.abort();
    this.#o2r.abort();
    const outcome = await this.#beats.leave(this.#running, deadline);
    this.#since = null;
    const fields = this.#fields;
    if (outcome === null) return;
    if (outcome.kind === "done") log.info("runner unregistered", fields);
    else log.warn("runner not unregistered", { ...fields, why: outcome.message });
  }

  get #fields() {
    return { app: this.#options.facts.app, orchestrator: this.orchestrator };
  }

  #beating(): Beating {
    return {
      client: this.#options.client,
      newId: () => this.#newId(),
      body: (id) => this.#body(id),
      registered: (answer) => this.#registered(answer),
      answered: (answer, askedAt) => {
        this.#answered(answer, askedAt);
        this.#noteJudged();
      },
      lost: (why) => {
        this.#lost(why);
        this.#noteJudged();
      },
      failed: (failure) => {
        this.#failed(failure);
        this.#noteJudged();
      },
    };
  }

  #noteJudged(): void {
    this.#judged.resolve();
    this.#judged = Promise.withResolvers();
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
    const { capacity } = this.sessions.offer();
    this.#ids.add(answer.runnerId);
    this.#since = new Date();
    // The path of the URL is the key.
    const url = new URL(this.#runnerUrl).origin;
    log.info("runner registered", { ...this.#fields, runner: answer.runnerId, url, capacity });
    this.#probe.follow(answer.orchestrator);
    this.#followO2r(answer.o2rUrl);
  }

  #answered(answer: HeartbeatAnswer, askedAt: number): void {
    const before = this.#failure;
    this.#failure = null;
    this.#reported = "";
    if (before?.kind === "unreachable" && this.#since !== null)
      log.info("orchestrator reached again", this.#fields);
    this.#probe.follow(answer.orchestrator);
    this.sessions.reconcile(answer.sessionIds, askedAt);
  }

  #lost(why: string): void {
    this.#o2r.abort();
    this.#since = null;
    log.warn("runner registration lost: registering again", { ...this.#fields, why });
    this.sessions.lost("the orchestrator has dropped the runner");
  }

  #failed(failure: BeatFailure): void {
    const { kind, message } = described(failure);
    this.#failure = { kind, message, at: new Date() };
    // Each thing that happens is logged once, not each time that it does.
    if (this.#reported === message) return;
    this.#reported = message;
    const fields = { ...this.#fields, why: message };
    if (kind === "unreachable") {
      log.warn("runner: orchestrator not reached: still trying", fields);
      return;
    }
    const text = "runner not registered: retried every 60 s";
    if (kind === "off" && this.#options.offLevel === "warning") log.warn(text, fields);
    else log.error(text, fields);
  }

  #followO2r(url: string | null): void {
    this.#o2r.abort();
    this.#o2r = new AbortController();
    if (url === null || this.#stop.signal.aborted) return;
    const origin = URL.parse(url)?.origin ?? "";
    if (!this.isControlOrigin(origin)) {
      log.warn("runner: the channel o2r is at another host and not read", {
        ...this.#fields,
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

/** The failure as metrics count it and operators read it. */
function described({ kind, message }: BeatFailure): Pick<RunnerFailure, "kind" | "message"> {
  switch (kind) {
    case "unauthorized":
      return {
        kind,
        message:
          "it does not accept ORCH_SECRET: it must be -orchSecret of go-livepeer, or the bootstrap secret of livepeer/node",
      };
    case "unknown":
      return { kind: "off", message };
    case "static_id":
      return { kind: "refused", message };
    default:
      return { kind, message };
  }
}
