/** Drives a live stream from outside: sends a clip in real time, collects the output, calls the API. */
import { TsDemuxer } from "../../src/engine/source/ts/demux.ts";
import { TricklePublisher } from "../../src/trickle/client/publisher.ts";
import { subscribe } from "../../src/trickle/client/subscriber.ts";
import { waitFor } from "./wait-for.ts";

const TS_BYTES = 188 * 7;

export interface Sender {
  /** Resolves when the clip has ended or `seconds` have been sent; the channel stays open. */
  readonly sent: Promise<void>;
  /** Ends the channel. */
  end(): Promise<void>;
}

/** Creates the channel and sends TS segments in real time by their own clock. */
export async function sendClip(
  url: string,
  segments: readonly Uint8Array[],
  options: { readonly seconds: number; readonly signal: AbortSignal },
): Promise<Sender> {
  const publisher = await TricklePublisher.open(
    { url },
    { contentType: "video/MP2T", create: true, signal: options.signal },
  );
  const writer = publisher.writable.getWriter();
  const demuxer = new TsDemuxer();
  const send = async (): Promise<void> => {
    let origin: { dts: number; at: number } | null = null;
    for (const segment of segments) {
      for (let at = 0; at < segment.length; at += TS_BYTES) {
        const data = segment.subarray(at, at + TS_BYTES);
        const frame = demuxer.push(data, 0).findLast((packet) => packet.kind === "video");
        if (frame?.kind === "video") {
          origin ??= { dts: frame.dts, at: performance.now() };
          const played = (frame.dts - origin.dts) / 90;
          if (played > options.seconds * 1000) return;
          const ahead = origin.at + played - performance.now();
          if (ahead > 0) await Bun.sleep(ahead); // paces a live source; not a wait for a condition
        }
        await writer.write({ data, first: at === 0 });
      }
    }
  };
  const sent = send();
  sent.catch(() => {}); // the test checks the output
  const end = async (): Promise<void> => {
    await publisher.close();
    await publisher.deleteChannel();
  };
  return { sent, end };
}

export interface CollectedSegment {
  readonly seq: number;
  readonly bytes: Uint8Array;
  readonly complete: boolean;
  /** `performance.now()` at its first and last byte. */
  readonly firstAt: number;
  readonly lastAt: number;
}

/** Collects a channel's complete segments until it ends. */
export function collect(url: string, signal: AbortSignal) {
  const segments: CollectedSegment[] = [];
  const run = async (): Promise<void> => {
    let parts: Uint8Array[] = [];
    let firstAt = 0;
    for await (const chunk of subscribe({ url }, { signal, start: 0, maxLag: 1000 })) {
      if (chunk.first) {
        parts = [];
        firstAt = chunk.arrivedAt;
      }
      parts.push(chunk.data);
      if (!chunk.last) continue;
      const { seq, complete, arrivedAt: lastAt } = chunk;
      segments.push({ seq, complete, bytes: Buffer.concat(parts), firstAt, lastAt });
    }
  };
  const ended = run().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return { segments, ended };
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
type Answer = any;

/** The management API of a server. `token` is what it wants for starts of streams. */
export function api(base: string, token?: string) {
  const ask = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> => {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { "content-type": "application/json", ...headers },
      keepalive: false,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer: Answer = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer.error}`);
    return answer;
  };
  const authorized = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return {
    start: async (body: object): Promise<string> => {
      const whole = { prompts: [{ prompt: "x" }], ...body };
      return (await ask("POST", "/stream/start", whole, authorized)).manifest_id;
    },
    stream: async (id: string): Promise<Answer> =>
      (await ask("GET", `/stream/${id}/status`)).stream,
    debug: (id: string) => ask("GET", `/stream/${id}/debug`),
    streams: async (): Promise<Answer[]> => (await ask("GET", "/streams")).streams,
    params: (id: string, body: object) => ask("POST", `/stream/${id}/params`, body),
    stop: (id: string) => ask("DELETE", `/stream/${id}`),
    health: () => ask("GET", "/health"),
  };
}

/** PID of the server's first engine, once it is ready. */
export async function enginePid(base: string): Promise<number> {
  let pid = 0;
  await waitFor("an engine that is ready", async () => {
    const [engine] = (await api(base).health()).engines;
    pid = engine?.state === "ready" ? engine.pid : 0;
    return pid > 0;
  });
  return pid;
}
