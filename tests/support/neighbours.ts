/** Starts a real server with two healthy streams, one generated and one with input, and measures gaps in their output. */
import { join } from "node:path";
import { TricklePublisher } from "../../src/trickle/client/publisher.ts";
import { FrameWatch } from "./frame-watch.ts";
import { api, type Sender, sendClip } from "./live-stream.ts";
import { MAIN, type ServerProcess, startServer } from "./server-process.ts";
import { waitFor } from "./wait-for.ts";

const PRELOAD = join(import.meta.dir, "obey-decoder-marker.ts");
const FPS = 15;

export interface Neighbour {
  readonly id: string;
  readonly output: FrameWatch;
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

/** `clip` is the input of the healthy stream, at 15 frames a second: segments for as long as the test lasts. */
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
    return { id, output: new FrameWatch(channel(name), FPS) };
  };
  const healthy = [
    await start("drawn", { model: "test-card", fps: FPS }),
    await start("filmed", { model: "identity", input_url: await feed("camera", clip) }),
  ];
  await waitFor("both to be seen", () => healthy.every(({ output }) => output.frames > 0));
  for (const { output } of healthy) output.reset();
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
      await Promise.all(healthy.map(({ output }) => output[Symbol.asyncDispose]()));
      await server[Symbol.asyncDispose]();
    },
  };
}
