/** Holds the runners and sessions of a simulated orchestrator: heartbeats, reservations, releases, expiry (live-runner.md 1 to 3). */
import { type Dialect, goDuration, newSecret, Refused } from "./dialect.ts";
import { type Offer, type Pricing, readOffer } from "./heartbeat-body.ts";
import { type ChannelDescriptor, O2rChannel } from "./o2r.ts";
import type { TricklePort } from "./trickle-port.ts";

export interface RegisteredRunner {
  readonly id: string;
  /** Listed by the operator: it sends no heartbeats, and never expires. */
  readonly isStatic: boolean;
  readonly heartbeatSecret: string;
  /** Null for a static runner. */
  readonly o2r: O2rChannel | null;
  /** By id, oldest first. */
  readonly sessions: Map<string, ReservedSession>;
  offer: Offer;
  /** `performance.now()` of the last heartbeat. */
  beatAt: number;
  /** Number of heartbeats, the first one included. */
  beats: number;
}

export interface ReservedSession {
  readonly id: string;
  readonly token: string;
  readonly runner: RegisteredRunner;
  /** By the runner's names for them. */
  readonly channels: Map<string, ChannelDescriptor>;
  /** Target of each proxy by its id. */
  readonly proxies: Map<string, URL>;
  /** Aborts at the release. */
  readonly over: AbortController;
}

export interface RegistryOptions {
  readonly dialect: Dialect;
  readonly trickle: TricklePort;
  /** Registration secret; empty: registration is off. */
  readonly secret: string;
  /** Base of what runners call. */
  readonly runnerBase: string;
  readonly intervalMs: number;
  readonly ttlMs: number;
  readonly o2rIntervalMs: number;
  readonly pricing: Pricing;
}

export class Registry implements AsyncDisposable {
  readonly runners = new Map<string, RegisteredRunner>();
  readonly #options: RegistryOptions;
  readonly #sweeper: Timer;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#sweeper = setInterval(() => void this.#sweep(), options.intervalMs);
  }

  /** Registers a runner or renews what it offers. Returns the members of the answer. */
  heartbeat(body: string, credential: string) {
    const { dialect, pricing, secret } = this.#options;
    const readsBodyFirst = dialect.name === "go-livepeer";
    const isKnown = [...this.runners.values()].some((one) => one.heartbeatSecret === credential);
    if (!readsBodyFirst && !isKnown && (secret === "" || credential !== secret)) unauthorized();
    const offer = readOffer(body, dialect, pricing);
    const id = offer.runner_id || `runner_${newSecret().slice(0, 8)}`;
    const known = this.runners.get(id);
    if (known === undefined) {
      if (secret === "" && readsBodyFirst)
        throw new Refused(404, "dynamic runner registration is disabled");
      if (credential !== secret) unauthorized();
      return this.#answer(this.#register(id, offer), { isBootstrap: true });
    }
    // On go-livepeer no credential is that of a static runner.
    if (known.isStatic && !readsBodyFirst)
      throw new Refused(403, "a static runner sends no heartbeats");
    if (readsBodyFirst && this.#hasExpired(known)) throw new Refused(404, "runner not found");
    if (credential !== known.heartbeatSecret) unauthorized();
    Object.assign(known, { offer, beatAt: performance.now(), beats: known.beats + 1 });
    return this.#answer(known, { isBootstrap: false });
  }

  async unregister(id: string, credential: string): Promise<void> {
    const runner = this.known(id);
    if (runner.isStatic && this.#options.dialect.name === "go-livepeer")
      throw new Refused(400, "a static runner does not unregister");
    if (credential !== runner.heartbeatSecret) unauthorized();
    await this.remove(runner);
  }

  /** A registered runner, whatever its status. */
  known(id: string): RegisteredRunner {
    const runner = this.runners.get(id);
    if (runner === undefined || this.#hasExpired(runner))
      throw new Refused(404, "runner not found");
    return runner;
  }

  /** A runner that takes sessions and calls. */
  usable(id: string): RegisteredRunner {
    const runner = this.known(id);
    if (!isReady(runner)) throw new Refused(404, "runner not found");
    return runner;
  }

  reserve(id: string): ReservedSession {
    const runner = this.usable(id);
    if (runner.offer.mode !== "persistent")
      throw new Refused(400, "only persistent runners have sessions");
    return this.reserveFor(runner);
  }

  /** Takes a place of the runner, whatever its mode. */
  reserveFor(runner: RegisteredRunner): ReservedSession {
    const { dialect } = this.#options;
    if (runner.sessions.size >= runner.offer.capacity)
      throw new Refused(dialect.fullStatus, "the runner is full");
    const session = {
      id: dialect.sessionId(),
      token: newSecret(),
      runner,
      channels: new Map(),
      proxies: new Map(),
      over: new AbortController(),
    };
    runner.sessions.set(session.id, session);
    runner.o2r?.send("reserved", session.id);
    return session;
  }

  /** Tells the runner, closes the session's channels and, on livepeer-node, cuts its calls. */
  async release({ id, runner, channels, over }: ReservedSession): Promise<void> {
    if (!runner.sessions.delete(id)) return;
    const { dialect, trickle } = this.#options;
    runner.o2r?.send("released", id);
    if (dialect.cutsCallsOnRelease)
      over.abort(new DOMException("the session was released", "AbortError"));
    for (const { channel_name } of channels.values()) await trickle.close(channel_name);
  }

  /** Ends a runner and its sessions. On go-livepeer o2r closes first, so that no `released` is written. */
  async remove(runner: RegisteredRunner): Promise<void> {
    if (this.runners.get(runner.id) === runner) this.runners.delete(runner.id);
    const isGoLivepeer = this.#options.dialect.name === "go-livepeer";
    if (isGoLivepeer) await runner.o2r?.close();
    for (const session of runner.sessions.values()) await this.release(session);
    if (!isGoLivepeer) await runner.o2r?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweeper);
    for (const runner of this.runners.values()) await this.remove(runner);
  }

  #register(id: string, offer: Offer): RegisteredRunner {
    const { dialect, trickle, runnerBase, o2rIntervalMs } = this.#options;
    const channel_name = dialect.o2rName(id);
    const url = `${runnerBase}/ai/trickle/${channel_name}`;
    const descriptor = { name: "o2r", channel_name, url, mime_type: "application/json" };
    const runner: RegisteredRunner = {
      id,
      isStatic: false,
      heartbeatSecret: newSecret(),
      o2r: new O2rChannel(trickle, descriptor, o2rIntervalMs),
      sessions: new Map(),
      offer,
      beatAt: performance.now(),
      beats: 1,
    };
    this.runners.set(id, runner);
    return runner;
  }

  #answer(runner: RegisteredRunner, { isBootstrap }: { isBootstrap: boolean }) {
    const { runnerBase, intervalMs, ttlMs } = this.#options;
    return {
      runner_id: runner.id,
      orchestrator: runnerBase,
      heartbeat_interval: goDuration(intervalMs),
      heartbeat_ttl: goDuration(ttlMs),
      ...(isBootstrap && {
        heartbeat_secret: runner.heartbeatSecret,
        o2r: runner.o2r?.descriptor,
      }),
      session_ids: [...runner.sessions.keys()],
    };
  }

  #hasExpired({ beatAt, isStatic }: RegisteredRunner): boolean {
    return !isStatic && performance.now() - beatAt > this.#options.ttlMs;
  }

  async #sweep(): Promise<void> {
    for (const runner of this.runners.values())
      if (this.#hasExpired(runner)) await this.remove(runner);
  }
}

export const isReady = ({ offer }: RegisteredRunner): boolean =>
  offer.status === "" || offer.status === "ready";

function unauthorized(): never {
  throw new Refused(401, "invalid credential");
}
