/** Starts a real server with two healthy streams, one generated and one with input, and measures gaps in their output. */
import { join } from "node:path";
import { TricklePublisher } from "../../src/trickle/client/publisher.ts";
import { subscribe } from "../../src/trickle/client/subscriber.ts";
import { api, type Sender, sendClip } from "./live-stream.ts";
import { MAIN, type ServerProcess, startServer } from "./server-process.ts";
import { waitFor } from "./wait-for.ts";

const PRELOAD = join(import.meta.dir, "obey-decoder-marker.ts");

/** A longer pause between two pieces of output counts as a gap. */
export const GAP_MS = 500;

/** One viewer of a stream. */
export class Viewer {
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  #last = 0;
  #gaps: number[] = [];

  constructor(url: string) {
    this.#ended = this.#watch(url).catch(() => {}); // the stream has ended
  }

  /** Milliseconds without output, each longer than `GAP_MS`, since the last `reset`. */
  get gaps(): readonly number[] {
    const now = performance.now() - this.#last;
    return now > GAP_MS ? [...this.#gaps, Math.round(now)] : this.#gaps;
  }

  get hasSeen(): boolean {
    return this.#last > 0;
  }

  reset(): void {
    this.#gaps = [];
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async #watch(url: string): Promise<void> {
    const { signal } = this.#stop;
    for await (const chunk of subscribe({ url }, { signal, known: true })) {
      if (chunk.data.length === 0) continue;
      const pause = chunk.arrivedAt - this.#last;
      if (this.#last > 0 && pause > GAP_MS) this.#gaps.push(Math.round(pause));
      this.#last = chunk.arrivedAt;
    }
  }
}

export interface Neighbour {
  readonly id: string;
  readonly viewer: Viewer;
}

export interface Neighbourhood extends AsyncDisposable {
  readonly server: ServerProcess;
  readonly api: ReturnType<typeof api>;
  readonly healthy: readonly Neighbour[];
  /** How long the first engine took to be ready: how fast this machine is now. */
  readonly bootMs: number;
  /** Sends MPEG-TS segments to a new channel in real time; returns the channel's URL. */
  feed(name: string, segments: readonly Uint8Array[]): Promise<string>;
  /** Sends the same bytes to a new channel as one segment after the other, two a second; returns the channel's URL. */
  repeat(name: string, segment: Uint8Array): Promise<string>;
  channel(name: string): string;
}

/** `clip` is the input of the healthy stream: segments for as long as the test lasts. */
export async function neighbourhood(
  clip: readonly Uint8Array[],
  flags: readonly string[] = [],
): Promise<Neighbourhood> {
  const server = await startServer(MAIN, ["--max-streams", "16", ...flags], {
    BUN_OPTIONS: `--preload=${PRELOAD}`,
  });
  const stop = new AbortController();
  const senders: Sender[] = [];
  const calls = api(server.url);
  const channel = (name: string) => `${server.url}/trickle/${name}`;
  const feed = async (name: string, segments: readonly Uint8Array[]) => {
    senders.push(await sendClip(channel(name), segments, { seconds: 300, signal: stop.signal }));
    return channel(name);
  };
  const repeat = async (name: string, segment: Uint8Array) => {
    const options = { contentType: "video/mp4", create: true, signal: stop.signal };
    const publisher = await TricklePublisher.open({ url: channel(name) }, options);
    const writer = publisher.writable.getWriter();
    const send = () =>
      void writer.write({ data: segment, first: true, last: true }).catch(() => {}); // at the end
    const timer = setInterval(send, 500);
    stop.signal.addEventListener("abort", () => clearInterval(timer), { once: true });
    send();
    return channel(name);
  };
  const began = performance.now();
  await waitFor("an engine", async () => (await calls.health()).engines[0]?.state === "ready");
  const bootMs = performance.now() - began;
  const size = { width: 256, height: 256 };
  const start = async (name: string, body: object): Promise<Neighbour> => {
    const id = await calls.start({ stream_url: channel(name), ...size, ...body });
    return { id, viewer: new Viewer(channel(name)) };
  };
  const healthy = [
    await start("drawn", { model: "test-card", fps: 15 }),
    await start("filmed", { model: "identity", input_url: await feed("camera", clip) }),
  ];
  await waitFor("both to be seen", () => healthy.every(({ viewer }) => viewer.hasSeen));
  for (const { viewer } of healthy) viewer.reset();
  return {
    server,
    api: calls,
    healthy,
    bootMs,
    feed,
    repeat,
    channel,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all(healthy.map(({ viewer }) => viewer.close()));
      await server[Symbol.asyncDispose]();
    },
  };
}
