/**
 * Starts a real server with two healthy streams, and measures what they notice while something else happens. One is drawn by
 * a model and watched through the server's own trickle server; the other has input and channels elsewhere, as an
 * orchestrator's, and each of its pictures carries a number by which it is timed from sender to viewer.
 */

import { readNumbers, sendNumbered } from "../../scripts/bench/glass-run.ts";
import { quantile } from "../../scripts/bench/report.ts";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { Crowding } from "../support/crowding.ts";
import { FrameWatch } from "../support/frame-watch.ts";
import { api, enginePid } from "../support/live-stream.ts";
import { holdings } from "../support/process-holdings.ts";
import { residentOf } from "../support/process-memory.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { hostTrickle, type TrickleHost } from "../support/trickle-host.ts";
import { waitFor } from "../support/wait-for.ts";

const SIZE = { width: 256, height: 256 };
const DRAWN_FPS = 15;
/** More than a scene lasts. */
const FRAMES = 1_000_000;
/** Time for the last pictures to be seen. */
const TAIL_MS = 1500;
const HEALTH_EVERY_MS = 100;
/** Everything takes long on a machine that does other things. */
const BUSY_MS = 60_000;

/** What the two streams and a caller of /health noticed in some time. */
export interface Seen {
  readonly seconds: number;
  readonly drawn: { readonly frames: number; readonly lost: number };
  readonly filmed: {
    readonly frames: number;
    readonly lost: number;
    /** From the sender's picture to the viewer's, in milliseconds. */
    readonly p50: number;
    readonly p99: number;
  };
  /** Milliseconds until /health answered; Infinity if it did not. */
  readonly healthP99: number;
  /** Processes of the whole machine that wanted to run for each core, on average; 1 where all could. */
  readonly crowding: number;
}

/** What the processes hold. */
export interface Held {
  /** Resident memory in MiB. */
  readonly server: number;
  readonly engine: number;
  readonly sockets: number;
}

export interface SceneOptions {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export class Scene implements AsyncDisposable {
  readonly server: ServerProcess;
  readonly api: ReturnType<typeof api>;
  /** A trickle server outside the worker, as an orchestrator has. */
  readonly elsewhere: TrickleHost;
  readonly #open: AsyncDisposableStack;
  readonly #drawn: FrameWatch;
  readonly #drawnAt: number[];
  readonly #shownAt: ReadonlyMap<number, number>;

  /** Resolves when both streams are seen. */
  static async start({ flags = [], env = {} }: SceneOptions = {}): Promise<Scene> {
    quietLibav();
    await using open = new AsyncDisposableStack();
    const elsewhere = open.use(hostTrickle({ maxChannels: 2000, maxRequests: 20_000 }));
    const settings = ["--device", "cpu", "--max-streams", "16", "--allow-hosts", "127.0.0.1"];
    const server = open.use(await startServer(MAIN, [...settings, ...flags], env));
    const calls = api(server.url, env["CAPABILITY_TOKEN"]);
    const ready = async () => (await calls.health()).engines[0]?.state === "ready";
    await waitFor("an engine", ready, BUSY_MS);
    const stop = new AbortController();
    open.defer(() => stop.abort());
    const own = `${server.url}/trickle/drawn`;
    await calls.start({ stream_url: own, model: "test-card", fps: DRAWN_FPS, ...SIZE });
    const [input, output] = [elsewhere.url("camera"), elsewhere.url("filmed")];
    const drawnAt: number[] = [];
    const { signal } = stop;
    sendNumbered(input, SIZE, FRAMES, { drawnAt, signal }).catch(() => {}); // it ends with the scene
    const filmed = { model: "identity", marker: "input", container: "mpegts", ...SIZE };
    await calls.start({ input_url: input, stream_url: output, ...filmed });
    const shownAt = new Map<number, number>();
    readNumbers(output, shownAt, signal).catch(() => {}); // as above
    const drawn = open.use(new FrameWatch(own, DRAWN_FPS));
    await waitFor("both streams", () => shownAt.size > 60 && drawn.frames > 30, BUSY_MS);
    const parts = { server, api: calls, elsewhere, drawn, drawnAt, shownAt };
    return new Scene(parts, open.move());
  }

  private constructor(
    parts: {
      readonly server: ServerProcess;
      readonly api: ReturnType<typeof api>;
      readonly elsewhere: TrickleHost;
      readonly drawn: FrameWatch;
      readonly drawnAt: number[];
      readonly shownAt: ReadonlyMap<number, number>;
    },
    open: AsyncDisposableStack,
  ) {
    this.server = parts.server;
    this.api = parts.api;
    this.elsewhere = parts.elsewhere;
    this.#drawn = parts.drawn;
    this.#drawnAt = parts.drawnAt;
    this.#shownAt = parts.shownAt;
    this.#open = open;
  }

  /** URL of a channel of the server's own. */
  channel(name: string): string {
    return `${this.server.url}/trickle/${name}`;
  }

  /** Sends a request as an operator's tool does; returns its status and how long the answer took. */
  async ask(method: string, path: string, body?: string): Promise<{ status: number; ms: number }> {
    const begun = performance.now();
    const headers = { "content-type": "application/json" };
    const init = body === undefined ? { method } : { method, body, headers };
    const answer = await fetch(`${this.server.url}${path}`, init);
    await answer.arrayBuffer();
    return { status: answer.status, ms: performance.now() - begun };
  }

  async held(): Promise<Held> {
    const { pid } = this.server;
    const engine = await enginePid(this.server.url);
    return { server: residentOf(pid), engine: residentOf(engine), sockets: holdings(pid).sockets };
  }

  /** What the streams noticed while `work` was done. */
  async watch(work: () => Promise<void>): Promise<Seen> {
    const begun = performance.now();
    const first = this.#drawnAt.length;
    this.#drawn.reset();
    const health = this.#watchHealth();
    using crowding = new Crowding();
    await work();
    const last = this.#drawnAt.length;
    const seconds = (performance.now() - begun) / 1000;
    const times = await health.stop();
    const { factor } = crowding;
    await Bun.sleep(TAIL_MS);
    const numbers = Array.from({ length: last - first }, (_, n) => first + n);
    const delays = numbers.flatMap((number) => {
      const [from, to] = [this.#drawnAt[number], this.#shownAt.get(number)];
      return from === undefined || to === undefined ? [] : [to - from];
    });
    const filmed = {
      frames: numbers.length,
      lost: numbers.length - delays.length,
      p50: quantile(delays, 0.5),
      p99: quantile(delays, 0.99),
    };
    const drawn = { frames: this.#drawn.frames, lost: this.#drawn.missing };
    return { seconds, drawn, filmed, healthP99: quantile(times, 0.99), crowding: factor };
  }

  quiet(seconds: number): Promise<Seen> {
    return this.watch(() => Bun.sleep(seconds * 1000));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open.disposeAsync();
  }

  #watchHealth() {
    const times: Promise<number>[] = [];
    const ask = async () => {
      const begun = performance.now();
      // A connection of its own each time: those of a pool would count as the server's sockets.
      const { ok } = await fetch(`${this.server.url}/health`, { keepalive: false });
      return ok ? performance.now() - begun : Number.POSITIVE_INFINITY;
    };
    const timer = setInterval(() => {
      times.push(ask().catch(() => Number.POSITIVE_INFINITY));
    }, HEALTH_EVERY_MS);
    const stop = async (): Promise<number[]> => {
      clearInterval(timer);
      return await Promise.all(times);
    };
    return { stop };
  }
}
