/** Runs the real server as a child process and uses its HTTP API: streams, engine, channels. */
import { join } from "node:path";
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { startServing } from "./processes.ts";

const MAIN = join(import.meta.dir, "../../src/main.ts");

const Health = Type.Object({
  status: Type.String(),
  engines: Type.Array(Type.Object({ pid: Type.Union([Type.Integer(), Type.Null()]) })),
});
const Percentiles = Type.Object({ p50: Type.Number(), p95: Type.Number(), p99: Type.Number() });
const Started = Type.Object({ manifest_id: Type.String() });
const Status = Type.Object({
  stream: Type.Object({
    status: Type.String(),
    stats: Type.Object({
      frames_in: Type.Integer(),
      frames_out: Type.Integer(),
      frames_dropped: Type.Integer(),
      latency_ms: Percentiles,
      inference_ms: Percentiles,
    }),
  }),
});

/** The part of a stream object that benchmarks read. */
export type StreamFigures = (typeof Status)["static"]["stream"]["stats"];

export interface ProductServer extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Process id of its only engine. */
  readonly enginePid: number;
  /** URL of a channel of the embedded trickle server. */
  channel(name: string): string;
  /** Starts a stream in seed mode; returns its id once the output channel has accepted it. */
  startStream(fields: Readonly<Record<string, unknown>>): Promise<string>;
  figures(id: string): Promise<StreamFigures>;
  stopStream(id: string): Promise<void>;
}

/**
 * Starts the server on a free loopback port with `flags` and waits until its engine is ready. `variables` are added to its
 * environment.
 */
export async function startProduct(
  flags: readonly string[] = [],
  variables: Readonly<Record<string, string>> = {},
): Promise<ProductServer> {
  const args = [MAIN, "server", "--host", "127.0.0.1", "--port", "0", "--device", "cpu", ...flags];
  const command = [process.execPath, ...args, "--log-format", "json"];
  const child = await startServing(command, listeningUrl, { ...process.env, ...variables });
  const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${child.url}${path}`, { method, ...text });
    if (response.ok) return await response.json();
    throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
  };
  try {
    const enginePid = await engineOf(() => ask("GET", "/health"));
    return {
      url: child.url,
      pid: child.pid,
      enginePid,
      channel: (name) => `${child.url}/trickle/${name}`,
      startStream: async (fields) =>
        Value.Parse(Started, await ask("POST", "/stream/start", fields)).manifest_id,
      figures: async (id) =>
        Value.Parse(Status, await ask("GET", `/stream/${id}/status`)).stream.stats,
      stopStream: async (id) => {
        await ask("DELETE", `/stream/${id}`);
      },
      [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
    };
  } catch (error) {
    await child[Symbol.asyncDispose]();
    throw error;
  }
}

function listeningUrl(line: string): string | undefined {
  if (!line.startsWith("{")) return undefined;
  const { message, url } = JSON.parse(line) as { message?: string; url?: string };
  return message === "listening" ? url : undefined;
}

async function engineOf(health: () => Promise<unknown>): Promise<number> {
  const deadline = performance.now() + 20_000;
  while (performance.now() < deadline) {
    const { status, engines } = Value.Parse(Health, await health());
    const pid = engines[0]?.pid ?? null;
    if (status !== "LOADING" && pid !== null) return pid;
    await Bun.sleep(50);
  }
  throw new Error("no engine was ready within 20 s");
}
