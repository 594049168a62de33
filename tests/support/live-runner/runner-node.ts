/** Starts the product as a registered live runner of a simulated orchestrator, beside BYOC if an orchestrator for it is given. */
import { MAIN, type ServerProcess, startServer } from "../server-process.ts";
import { type StandInOptions, StandInOrchestrator } from "./stand-in.ts";

export const APP = "live-video-to-video/comfystream";

export interface RunnerNode extends AsyncDisposable {
  readonly orchestrator: StandInOrchestrator;
  readonly worker: ServerProcess;
  /** Lines of the worker's log. */
  readonly log: readonly string[];
}

export interface RunnerNodeOptions extends StandInOptions {
  /** More of the worker's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Other orchestrators in ORCH_URL. They must have the same secret. */
  readonly others?: readonly string[];
}

/** Resolves when the worker is registered and takes sessions. */
export async function startRunnerNode(options: RunnerNodeOptions): Promise<RunnerNode> {
  await using started = new AsyncDisposableStack();
  const { env = {}, others = [] } = options;
  const orchestrator = started.use(await StandInOrchestrator.start(options));
  const log: string[] = [];
  const settings = {
    ORCH_URL: [orchestrator.url, ...others].join(","),
    ORCH_SECRET: orchestrator.secret,
    RUNNER_APP: APP,
    ...env,
  };
  const worker = started.use(await startServer(MAIN, [], settings, (line) => log.push(line)));
  await orchestrator.usable();
  const owned = started.move();
  return { orchestrator, worker, log, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
