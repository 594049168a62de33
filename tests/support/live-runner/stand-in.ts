/**
 * Simulates an orchestrator for live runners, as go-livepeer 0.9 or livepeer-node 1.0 answers (live-runner.md 1, 5.3): one
 * loopback port with registration, reservations, callbacks, the proxy to the runner, and trickle channels. Off-chain: it
 * checks no payments. Every call is recorded, and a test can make calls fail, lapse a registration or restart the server.
 *
 * @example
 * await using orchestrator = await StandInOrchestrator.start({ dialect: "livepeer-node" });
 * // Start a worker with ORCH_URL = orchestrator.url and ORCH_SECRET = orchestrator.secret, then:
 * await orchestrator.registered();
 * const session = await orchestrator.reserve();
 * const started = await session.post("/stream", { prompt: "a fox" });
 */
import type { Server } from "bun";
import { waitFor } from "../wait-for.ts";
import { CallLog } from "./call-log.ts";
import { ClientSession } from "./client-session.ts";
import { DIALECTS, type Dialect, type DialectName } from "./dialect.ts";
import { isReady, type RegisteredRunner, Registry, type ReservedSession } from "./registry.ts";
import { answerRequest } from "./routes.ts";
import { SessionChannels } from "./session-channels.ts";
import { addStaticRunner, type StaticEntry } from "./static-runner.ts";
import { TricklePort, type TricklePortOptions } from "./trickle-port.ts";

export interface StandInOptions extends Omit<TricklePortOptions, "dialect"> {
  readonly dialect: DialectName;
  /** Registration secret; empty: registration is off. */
  readonly secret?: string;
  readonly intervalMs?: number;
  /** Default: the dialect's. */
  readonly ttlMs?: number;
  readonly o2rIntervalMs?: number;
  /** Checks prices as an orchestrator that takes payments. Nobody pays anything. */
  readonly onChain?: boolean;
  /** livepeer-node without a blockchain: whether it takes an offer with a price; older releases do not. Default true. */
  readonly takesPrices?: boolean;
  /** Path before all routes, as behind a TLS terminator; without a trailing slash. */
  readonly basePath?: string;
  /** Host name in the URLs for runners, e.g. `localhost`; default 127.0.0.1, as for clients. */
  readonly runnerHost?: string;
  /** livepeer-node: the operator has granted runners at private addresses; default true. */
  readonly runnerGrants?: boolean;
  /** PEM; given, it speaks https. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

const INTERVAL_MS = 5000;

/** All that is lost with a restart. */
interface State {
  readonly trickle: TricklePort;
  readonly registry: Registry;
  readonly channels: SessionChannels;
}

export class StandInOrchestrator implements AsyncDisposable {
  readonly dialect: Dialect;
  readonly secret: string;
  /** For ORCH_URL, and for clients. */
  readonly url: string;
  /** Base of what runners call: the heartbeat's `orchestrator`. */
  readonly runnerBase: string;
  readonly calls = new CallLog();
  /** Changes the `session_ids` of heartbeat answers: a stale or a foreign id. */
  sessionIds: (ids: readonly string[]) => readonly string[] = (ids) => ids;
  readonly options: StandInOptions;
  readonly #port: number;
  readonly #static: (() => Promise<void>)[] = [];
  #state: State;
  #http: Server<unknown> | null;

  static async start(options: StandInOptions): Promise<StandInOrchestrator> {
    return new StandInOrchestrator(options);
  }

  private constructor(options: StandInOptions) {
    this.options = options;
    this.dialect = DIALECTS[options.dialect];
    this.secret = options.secret ?? "stand-in-secret";
    this.#http = this.#listen(0);
    this.#port = this.#http.port ?? 0;
    const { basePath = "", runnerHost = "127.0.0.1", tls } = options;
    const scheme = tls === undefined ? "http" : "https";
    this.url = `${scheme}://127.0.0.1:${this.#port}${basePath}`;
    this.runnerBase = `${scheme}://${runnerHost}:${this.#port}${basePath}`;
    this.#state = this.#fresh();
  }

  get trickle(): TricklePort {
    return this.#state.trickle;
  }

  get registry(): Registry {
    return this.#state.registry;
  }

  get channels(): SessionChannels {
    return this.#state.channels;
  }

  /** The only registered runner that has sessions; single-shot ones may be beside it. Throws if there are none or several. */
  get runner(): RegisteredRunner {
    const [runner, ...others] = this.#persistent();
    if (runner === undefined || others.length > 0)
      throw new Error(`${others.length + (runner ? 1 : 0)} runners are registered`);
    return runner;
  }

  /** Waits until one runner is registered. */
  async registered(): Promise<RegisteredRunner> {
    await waitFor("a runner has registered", () => this.#persistent().length === 1);
    return this.runner;
  }

  /** Waits until one runner is registered and takes sessions. */
  async usable(): Promise<RegisteredRunner> {
    const runner = await this.registered();
    await waitFor("it takes sessions", () => isReady(runner));
    return runner;
  }

  /** Reserves a session as a client does. Throws with the answer unless it succeeds. */
  reserve(runnerId = this.runner.id): Promise<ClientSession> {
    return ClientSession.reserve(`${this.url}/apps/${runnerId}/session`);
  }

  /** A live session by its id. */
  session(id: string): ReservedSession | undefined {
    for (const { sessions } of this.registry.runners.values()) {
      const session = sessions.get(id);
      if (session) return session;
    }
    return undefined;
  }

  /** Ends a session, as when its payments stop. */
  async release(id: string): Promise<void> {
    const session = this.session(id);
    if (session === undefined) throw new Error(`there is no session ${id}`);
    await this.registry.release(session);
  }

  /** Forgets a runner: its next heartbeat is answered with 401. */
  forget(runner: RegisteredRunner = this.runner): Promise<void> {
    return this.registry.remove(runner);
  }

  /** Makes a runner's TTL run out now. Until the next sweep go-livepeer answers its heartbeats with 404. */
  lapse(runner: RegisteredRunner = this.runner): void {
    runner.beatAt = Number.NEGATIVE_INFINITY;
  }

  /** Lists a static runner, which is polled with the interval of heartbeats, until the server stops. */
  addStatic(entry: StaticEntry): RegisteredRunner {
    const { intervalMs = INTERVAL_MS } = this.options;
    const { runner, remove } = addStaticRunner(this.registry, this.dialect, entry, intervalMs);
    this.#static.push(remove);
    return runner;
  }

  /** Closes one channel of a session, as a sweep does. */
  async closeChannel(sessionId: string, name: string): Promise<void> {
    const channel = this.session(sessionId)?.channels.get(name);
    if (channel === undefined) throw new Error(`session ${sessionId} has no channel ${name}`);
    await this.trickle.close(channel.channel_name);
  }

  /** Stops answering; registrations, sessions and channels are gone. */
  async stop(): Promise<void> {
    const { registry, trickle } = this.#state;
    await this.#http?.stop(true);
    this.#http = null;
    for (const remove of this.#static.splice(0)) await remove();
    await registry[Symbol.asyncDispose]();
    trickle[Symbol.dispose]();
  }

  /** Starts again on the same port, knowing nobody. */
  async restart(): Promise<void> {
    if (this.#http !== null) await this.stop();
    this.#state = this.#fresh();
    this.#http = this.#listen(this.#port);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #persistent(): RegisteredRunner[] {
    return [...this.registry.runners.values()].filter(({ offer }) => offer.mode === "persistent");
  }

  #fresh(): State {
    const { dialect, secret, runnerBase, url: publicBase } = this;
    const {
      intervalMs = INTERVAL_MS,
      ttlMs = dialect.ttlMs,
      o2rIntervalMs = 10_000,
    } = this.options;
    const { onChain = false, takesPrices = true } = this.options;
    const pricing = { onChain, takesPrices };
    const trickle = new TricklePort({ ...this.options, dialect });
    const timing = { intervalMs, ttlMs, o2rIntervalMs };
    const registry = new Registry({ dialect, trickle, secret, runnerBase, pricing, ...timing });
    const channels = new SessionChannels({ dialect, trickle, publicBase, runnerBase });
    return { trickle, registry, channels };
  }

  #listen(port: number): Server<unknown> {
    const { tls } = this.options;
    return Bun.serve({
      hostname: "127.0.0.1",
      port,
      idleTimeout: 0,
      development: false,
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      ...(tls && { tls }),
      fetch: (request, server) => answerRequest(this, request, server),
    });
  }
}
