/** Starts a simulated orchestrator, a path to a trickle server, and the product as a registered process. */
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
  /** The path between the worker and the trickle server; the gateway has its own. */
  readonly path: NetworkPath;
  readonly worker: ServerProcess;
}

/** A trickle server on this machine. */
export interface TrickleAddress {
  readonly port: number;
  /** Path before a channel's name: `/trickle` or empty. */
  readonly base: string;
}

/** Resolves when the worker has registered and its engine is ready. The caller owns the trickle server. */
export async function startNode({ port, base }: TrickleAddress): Promise<NetworkNode> {
  await using started = new AsyncDisposableStack();
  const orchestrator = started.use(await Orchestrator.start({ secret: SECRET }));
  const path = started.use(await NetworkPath.open(port));
  const env = {
    ORCH_URL: orchestrator.url,
    ORCH_SECRET: SECRET,
    CAPABILITY_TOKEN: "stand-in",
    // An orchestrator hosts its channels itself; the stand-in's are on a port of their own.
    ALLOW_HOSTS: `127.0.0.1:${path.port}`,
  };
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

/** Made once per process, because encoding takes a second. */
export const inputLoop = (() => {
  const made = new Map<string, Promise<InputLoop>>();
  return (kind: "whip" | "rtmp"): Promise<InputLoop> => {
    const loop = made.get(kind) ?? InputLoop.make(kind);
    made.set(kind, loop);
    return loop;
  };
})();
