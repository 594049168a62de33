/** Serves the orchestrator's trickle channels with our own server: only the orchestrator creates them. */
import type { TricklePeer } from "../../../src/trickle/server/peer-quotas.ts";
import { TrickleServer } from "../../../src/trickle/server/trickle-server.ts";
import type { Dialect } from "./dialect.ts";

export interface TricklePortOptions {
  readonly dialect: Dialect;
  /** Default: the dialect's. */
  readonly maxSegmentBytes?: number;
  readonly channelIdleMs?: number;
  readonly maxStreamRequests?: number;
}

/** Open requests of one channel: bodies being written and read, and those that wait. */
export interface OpenRequests {
  readonly POST: number;
  readonly GET: number;
}

const GIB = 2 ** 30;
const SELF: TricklePeer = { address: "127.0.0.1", kind: "trusted", disconnect() {}, answered() {} };

export class TricklePort implements Disposable {
  /** Answers every request with 503, as an overloaded livepeer-node. */
  unavailable = false;
  /** Requests that were answered with 503. */
  refused = 0;
  readonly #server: TrickleServer;
  readonly #dialect: Dialect;
  readonly #maxRequests: number;
  readonly #open = new Map<string, { POST: number; GET: number }>();
  readonly #peaks = new Map<string, { POST: number; GET: number }>();

  constructor({
    dialect,
    maxSegmentBytes = dialect.maxSegmentBytes,
    channelIdleMs = dialect.channelIdleMs,
    maxStreamRequests = dialect.maxStreamRequests,
  }: TricklePortOptions) {
    this.#dialect = dialect;
    this.#maxRequests = maxStreamRequests;
    this.#server = new TrickleServer({
      autoCreate: false,
      maxChannels: 2048,
      maxTotalBytes: 4 * GIB,
      maxSegmentBytes,
      idleMs: channelIdleMs,
      sweepMs: Math.min(60_000, channelIdleMs / 5),
    });
  }

  get channels(): number {
    return this.#server.channels;
  }

  has(channel: string): boolean {
    return this.#server.unwatchedMs(channel) !== null;
  }

  make(channel: string, mime: string): Promise<Response> {
    return this.#ask("POST", channel, { headers: { "Expect-Content": mime } });
  }

  /** Closes a channel for everybody; false if there is none. */
  async close(channel: string): Promise<boolean> {
    return (await this.#ask("DELETE", channel)).ok;
  }

  /** Writes one whole segment, as the orchestrator's own publisher; false if the channel is gone. */
  async write(channel: string, text: string): Promise<boolean> {
    return (await this.#ask("POST", `${channel}/-1`, { body: text })).ok;
  }

  /** The most requests that were open at one time on a channel. */
  peak(channel: string): OpenRequests {
    return this.#peaks.get(channel) ?? { POST: 0, GET: 0 };
  }

  /** Answers a request of a runner or client. `path` is `{channel}` or `{channel}/{seq}`. */
  async handle(request: Request, path: string, disconnect: () => void): Promise<Response> {
    if (this.unavailable || this.#server.requests >= this.#maxRequests) {
      this.refused++;
      return this.#dialect.error(503, "too many streams");
    }
    const [channel = "", seq] = path.split("/");
    const { method } = request;
    if (method === "POST" && seq === undefined)
      return this.has(channel) ? new Response() : this.#dialect.error(404, "no such channel");
    if (seq === undefined || seq === "next" || (method !== "POST" && method !== "GET"))
      return this.#server.handle(request, path, { ...SELF, disconnect });
    const leave = this.#enter(channel, method);
    const answer = await this.#server.handle(request, path, { ...SELF, disconnect });
    if (method === "POST" && !this.#dialect.tellsPublishersOfTheEnd)
      answer.headers.delete("Lp-Trickle-Closed");
    if (answer.body !== null && !request.signal.aborted) {
      // A body whose reader has left may never be cancelled.
      request.signal.addEventListener("abort", leave, { once: true });
      return new Response(untilEnd(answer.body, leave), answer);
    }
    leave();
    return answer;
  }

  [Symbol.dispose](): void {
    this.#server[Symbol.dispose]();
  }

  #enter(channel: string, method: "POST" | "GET"): () => void {
    const open = this.#open.get(channel) ?? { POST: 0, GET: 0 };
    const peak = this.#peaks.get(channel) ?? { POST: 0, GET: 0 };
    this.#open.set(channel, open);
    this.#peaks.set(channel, peak);
    open[method]++;
    peak[method] = Math.max(peak[method], open[method]);
    let isOpen = true;
    return () => {
      if (isOpen) open[method]--;
      isOpen = false;
    };
  }

  #ask(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const request = new Request(`http://stand-in/${path}`, { ...init, method });
    return this.#server.handle(request, path, SELF);
  }
}

/** Calls back when the body has ended, failed, or was left by its reader. */
function untilEnd(body: ReadableStream<Uint8Array>, onEnd: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          onEnd();
          controller.close();
        } catch {
          onEnd();
          controller.error(); // without a reason: Bun.serve would print it
        }
      },
      cancel(reason) {
        onEnd();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
