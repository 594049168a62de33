/** An orchestrator with its trickle server, and the product registered with it as a process of its own. */
import { InputLoop } from "./gateway-input.ts";
import { OrchestratorStreams } from "./gateway-orchestrator.ts";
import { NetworkPath } from "./gateway-outage.ts";
import { enginePid } from "./live-stream.ts";
import { Orchestrator } from "./orchestrator.ts";
import { MAIN, type ServerProcess, startServer } from "./server-process.ts";
import { hostTrickle, type TrickleHost } from "./trickle-host.ts";
import { waitFor } from "./wait-for.ts";

export const CAPABILITY = "comfystream-video";
const SECRET = "stand-in-secret";

export interface NetworkNode extends AsyncDisposable {
  readonly orchestrator: Orchestrator;
  readonly streams: OrchestratorStreams;
  readonly trickle: TrickleHost;
  /** Between the worker and the trickle server; the gateway has its own. */
  readonly path: NetworkPath;
  readonly worker: ServerProcess;
}

/** Settles when the worker has registered and its engine is ready. `flags` are the worker's own. */
export async function startNode(flags: readonly string[] = []): Promise<NetworkNode> {
  await using started = new AsyncDisposableStack();
  const orchestrator = started.use(await Orchestrator.start({ secret: SECRET }));
  const trickle = started.use(hostTrickle({ autoCreate: false }));
  const path = started.use(await NetworkPath.open(trickle.port));
  const env = { ORCH_URL: orchestrator.url, ORCH_SECRET: SECRET, CAPABILITY_TOKEN: "stand-in" };
  const worker = started.use(await startServer(MAIN, flags, env));
  await waitFor("the worker has registered", () => orchestrator.capabilities.has(CAPABILITY));
  await enginePid(worker.url);
  const streams = new OrchestratorStreams({
    orchestrator,
    capability: CAPABILITY,
    trickleUrl: `http://127.0.0.1:${trickle.port}/trickle`,
    trickleUrlForWorker: `http://127.0.0.1:${path.port}/trickle`,
  });
  const owned = started.move();
  return {
    orchestrator,
    streams,
    trickle,
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
