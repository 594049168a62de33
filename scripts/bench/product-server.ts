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

/** The routes of a running server that benchmarks call. */
export interface ProductApi {
  readonly url: string;
  /** URL of a channel of the embedded trickle server. */
  channel(name: string): string;
  /** Starts a stream in seed mode; returns its id once the output channel has accepted it. */
  startStream(fields: Readonly<Record<string, unknown>>): Promise<string>;
  figures(id: string): Promise<StreamFigures>;
  stopStream(id: string): Promise<void>;
}

export interface ProductServer extends ProductApi, AsyncDisposable {
  readonly pid: number;
  /** Process id of its only engine. */
  readonly enginePid: number;
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
  try {
    const enginePid = await engineOf(child.url);
    const dispose = () => child[Symbol.asyncDispose]();
    return { ...productAt(child.url), pid: child.pid, enginePid, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await child[Symbol.asyncDispose]();
    throw error;
  }
}

/** Calls the server at `url`. */
export function productAt(url: string): ProductApi {
  return {
    url,
    channel: (name) => `${url}/trickle/${name}`,
    startStream: async (fields) =>
      Value.Parse(Started, await ask("POST", `${url}/stream/start`, fields)).manifest_id,
    figures: async (id) =>
      Value.Parse(Status, await ask("GET", `${url}/stream/${id}/status`)).stream.stats,
    stopStream: async (id) => {
      await ask("DELETE", `${url}/stream/${id}`);
    },
  };
}

async function ask(method: string, url: string, body?: unknown): Promise<unknown> {
  const text = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(url, { method, ...text });
  if (response.ok) return await response.json();
  throw new Error(`${method} ${url} answered ${response.status}: ${await response.text()}`);
}

function listeningUrl(line: string): string | undefined {
  if (!line.startsWith("{")) return undefined;
  const { message, url } = JSON.parse(line) as { message?: string; url?: string };
  return message === "listening" ? url : undefined;
}

async function engineOf(url: string): Promise<number> {
  const deadline = performance.now() + 20_000;
  while (performance.now() < deadline) {
    const { status, engines } = Value.Parse(Health, await ask("GET", `${url}/health`));
    const pid = engines[0]?.pid ?? null;
    if (status !== "LOADING" && pid !== null) return pid;
    await Bun.sleep(50);
  }
  throw new Error("no engine was ready within 20 s");
}
