/**
 * The server process that all targets of hostile HTTP share, with the real engine: beside what is tried on it, a live stream
 * plays and its health is asked for, and neither may notice anything.
 */

import { StandInOrchestrator } from "../../support/live-runner/stand-in.ts";
import { collect, enginePid } from "../../support/live-stream.ts";
import { holdings } from "../../support/process-holdings.ts";
import { MAIN, type ServerProcess, startServer } from "../../support/server-process.ts";
import { waitFor } from "../../support/wait-for.ts";
import type { Answer } from "./exchange.ts";

/** Opens every route but the runner's, whose key is in the path. */
export const API_TOKEN = "token-of-the-operator";
export const RUNNER_KEY = "key-of-the-runner-0123456789";
const AUTHORIZED = { authorization: `Bearer ${API_TOKEN}` };

/** A frame comes every 100 ms; the rest is for a busy machine, on which a client and hundreds of connections compete. */
const MAX_GAP_MS = 5000;
const HEALTH_EVERY_MS = 250;
const HEALTH_LIMIT_MS = 5000;
/** Of keep-alive connections of fetch, which come and go. */
const SPARE_SOCKETS = 80;

export interface FuzzedWorker {
  readonly url: string;
  readonly port: number;
  readonly server: ServerProcess;
  readonly orchestrator: StandInOrchestrator;
  /** Id of a second live stream, which may be changed but not ended. */
  readonly victim: string;
  /** Sends a request with the operator's token, and a body as JSON. */
  ask(method: string, path: string, body?: unknown): Promise<Answered>;
  /** Ends the stream that this answer is about, unless it is the victim. */
  endStarted(answer: Pick<Answer, "status" | "body">): Promise<void>;
  /** Throws once the live stream has stopped, the server was not healthy, or a process died. */
  assertUnharmed(): void;
  /** Throws unless the server soon holds what it held before the first case. */
  settle(): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
type Answered = any;

let shared: Promise<FuzzedWorker & AsyncDisposable> | null = null;
let holders = 0;

/** The worker of this process, which ends when the last one who holds it lets go. */
export async function holdWorker(): Promise<{ worker: FuzzedWorker } & AsyncDisposable> {
  holders++;
  shared ??= open();
  const worker = await shared;
  return {
    worker,
    [Symbol.asyncDispose]: async () => {
      if (--holders > 0) return;
      shared = null;
      await worker[Symbol.asyncDispose]();
    },
  };
}

async function open(): Promise<FuzzedWorker & AsyncDisposable> {
  const orchestrator = await StandInOrchestrator.start({
    dialect: "livepeer-node",
    // A place is sold again with the next heartbeat.
    intervalMs: 100,
  });
  const errors: string[] = [];
  const server = await startServer(
    MAIN,
    // Listening everywhere, it refuses channels on private networks.
    ["--host", "0.0.0.0", "--api-token", API_TOKEN, "--max-streams", "16"],
    {
      ORCH_URL: orchestrator.url,
      ORCH_SECRET: orchestrator.secret,
      ORCH_MODE: "runner",
      RUNNER_APP: "live-video-to-video/comfystream",
      RUNNER_KEY,
      STREAM_HISTORY: "1m",
    },
    (line) => errors.push(...(line.includes('"request failed"') ? [line] : [])),
  );
  const url = `http://127.0.0.1:${server.port}`;
  const engine = await enginePid(url);
  const ask = async (method: string, path: string, body?: unknown): Promise<Answered> => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(`${url}${path}`, { method, headers: AUTHORIZED, ...sent });
    return await answer.json();
  };
  const start = async (channel: string): Promise<string> => {
    const params = { model: "identity", width: 128, height: 96, fps: 10, prompts: "x" };
    const body = { ...params, stream_url: `${url}/trickle/${channel}` };
    return (await ask("POST", "/stream/start", body)).manifest_id;
  };
  const stop = new AbortController();
  // With two streams, a call that names none means none.
  const [bystander, victim] = await Promise.all([start("bystander"), start("victim")]);
  const output = collect(`${url}/trickle/bystander`, stop.signal);
  await waitFor("output of the live stream", () => output.segments.length > 0, 20_000);

  let fault: string | null = null;
  const blame = (what: string) => {
    fault ??= what;
  };
  void server.exited.then((code) => blame(`the server exited with code ${code}`));
  void output.ended.then(
    () => blame("the output of the live stream ended"),
    (error) => blame(`${error}`),
  );
  const watch = setInterval(() => {
    const { lastAt = performance.now() } = output.segments.at(-1) ?? {};
    const gap = performance.now() - lastAt;
    if (gap > MAX_GAP_MS) blame(`the live stream has had no output for ${Math.round(gap)} ms`);
    output.segments.splice(0, output.segments.length - 1);
    const health = fetch(`${url}/health`, { signal: AbortSignal.timeout(HEALTH_LIMIT_MS) });
    health.then(
      ({ status }) => status === 200 || blame(`GET /health answered ${status}`),
      (error) => stop.signal.aborted || blame(`GET /health failed: ${error}`),
    );
  }, HEALTH_EVERY_MS);

  const held = async () => {
    const { active_streams: active } = await ask("GET", "/health");
    return { active, ...holdings(server.pid) };
  };
  const before = await held();
  const isSettled = async () => {
    const { active, children, sockets } = await held();
    const isRoomy = sockets <= before.sockets + SPARE_SOCKETS;
    return active === 2 && children === before.children && isRoomy;
  };
  return {
    url,
    port: server.port,
    server,
    orchestrator,
    victim,
    ask,
    endStarted: async ({ status, body }) => {
      const { manifest_id: id } = status === 200 ? JSON.parse(body) : {};
      if (id !== undefined && id !== victim)
        await ask("DELETE", `/stream/${encodeURIComponent(id)}`);
    },
    assertUnharmed: () => {
      const [error] = errors.splice(0);
      if (error !== undefined) throw new Error(`the server logged ${error}`);
      if (fault !== null) throw new Error(fault);
    },
    settle: async () => {
      await waitFor("a server that holds what it held before", isSettled, 15_000).catch(
        async (error: unknown) => {
          throw new Error(`${error}: ${JSON.stringify({ before, now: await held() })}`);
        },
      );
      if ((await enginePid(url)) !== engine) throw new Error("another engine runs");
      for (const id of [bystander, victim]) {
        const { stream } = await ask("GET", `/stream/${id}/status`);
        if (stream.status !== "active" || stream.stats.restarts > 0)
          throw new Error(`a live stream: ${stream.status}, ${stream.stats.restarts} restarts`);
      }
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      clearInterval(watch);
      await server[Symbol.asyncDispose]();
      await orchestrator.stop();
    },
  };
}
