/** Servers that take video from one trickle channel and publish it to another: ours and pytrickle's, in one form. */
import { createChannel, deleteChannel } from "../../src/trickle/client/channel-requests.ts";
import type { InstalledPackages } from "../../tests/support/python-packages.ts";
import type { Clip } from "./clip.ts";
import type { ProductServer } from "./product-server.ts";
import { startPython } from "./python-references.ts";

/** Takes MPEG-TS from a channel and publishes MPEG-TS to another. */
export interface VideoWorker {
  /** Its processes are this one and its descendants. */
  readonly pid: number;
  /** The one of them that works on frames. */
  readonly mediaPid: number;
  /** Starts a stream; its output channel exists when this resolves. The function returned ends it, after its input. */
  start(input: string, output: string, size: Size): Promise<() => Promise<void>>;
}

type Size = Pick<Clip, "width" | "height">;

/** The product, with its identity model. */
export function productWorker(server: ProductServer): VideoWorker {
  return {
    pid: server.pid,
    mediaPid: server.enginePid,
    async start(input, output, { width, height }) {
      const id = await server.startStream({
        input_url: input,
        stream_url: output,
        container: "mpegts",
        width,
        height,
        model: "identity",
        prompts: [{ prompt: "bench" }],
      });
      return async () => await server.stopStream(id);
    },
  };
}

/** pytrickle's server in a process of its own, with a processor that returns each frame as it came. */
export async function startPytrickle(
  packages: InstalledPackages,
): Promise<VideoWorker & AsyncDisposable> {
  const child = await startPython(packages, "pytrickle-peer.py");
  const post = async (path: string, body: object): Promise<void> => {
    const url = `${child.url}${path}`;
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    if (!response.ok)
      throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  };
  return {
    pid: child.pid,
    mediaPid: child.pid,
    async start(input, output, { width, height }) {
      const signal = new AbortController().signal;
      await createChannel({ url: output }, "video/mp2t", signal);
      await post("/stream/start", {
        subscribe_url: input,
        publish_url: output,
        gateway_request_id: output,
        // 60 is the most that it takes. At the rate of the input it drops frames whose time is a rounding error early.
        params: { width, height, max_framerate: 60 },
      });
      return async () => {
        await post("/stream/stop", {});
        await deleteChannel({ url: output });
      };
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
