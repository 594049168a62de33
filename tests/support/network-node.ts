/** An orchestrator, its path to a trickle server, and the product registered with it as a process of its own. */
import { InputLoop } from "./gateway-input.ts";
import { OrchestratorStreams } from "./gateway-orchestrator.ts";
import { enginePid } from "./live-stream.ts";
import { NetworkPath } from "./network-path.ts";
import { Orchestrator } from "./orchestrator.ts";
import { MAIN, type ServerProcess, startServer } from "./server-process.ts";
import { waitFor } from "./wait-for.ts";

export const CAPABILITY = "comfystream-video";
const SECRET = "stand-in-secret";

export interface NetworkNode extends AsyncDisposable {
  readonly orchestrator: Orchestrator;
  readonly streams: OrchestratorStreams;
  /** Between the worker and the trickle server; the gateway has its own. */
  readonly path: NetworkPath;
  readonly worker: ServerProcess;
}

/** A trickle server on this machine. */
export interface TrickleAddress {
  readonly port: number;
  /** What is before a channel's name: `/trickle`, or nothing. */
  readonly base: string;
}

/** Settles when the worker has registered and its engine is ready. The trickle server is the caller's. */
export async function startNode({ port, base }: TrickleAddress): Promise<NetworkNode> {
  await using started = new AsyncDisposableStack();
  const orchestrator = started.use(await Orchestrator.start({ secret: SECRET }));
  const path = started.use(await NetworkPath.open(port));
  const env = { ORCH_URL: orchestrator.url, ORCH_SECRET: SECRET, CAPABILITY_TOKEN: "stand-in" };
  const worker = started.use(await startServer(MAIN, [], env));
  await waitFor("the worker has registered", () => orchestrator.capabilities.has(CAPABILITY));
  await enginePid(worker.url);
  const streams = new OrchestratorStreams({
    orchestrator,
    capability: CAPABILITY,
    trickleUrl: `http://127.0.0.1:${port}${base}`,
    trickleUrlForWorker: `http://127.0.0.1:${path.port}${base}`,
  });
  const owned = started.move();
  return {
    orchestrator,
    streams,
    path,
    worker,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Made once a process: its pictures take a second to encode. */
export const inputLoop = (() => {
  const made = new Map<string, Promise<InputLoop>>();
  return (kind: "whip" | "rtmp"): Promise<InputLoop> => {
    const loop = made.get(kind) ?? InputLoop.make(kind);
    made.set(kind, loop);
    return loop;
  };
})();
