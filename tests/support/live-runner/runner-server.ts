/** Runs the server with a fake engine as a live runner, registered at a simulated orchestrator, all in this process. */
import { listen } from "../../../src/server/http/listen.ts";
import { type TestServerOptions, testServer } from "../test-server.ts";
import { waitFor } from "../wait-for.ts";
import type { ClientSession } from "./client-session.ts";
import type { DialectName } from "./dialect.ts";
import { type StandInOptions, StandInOrchestrator } from "./stand-in.ts";

export interface RunnerServerOptions {
  readonly dialect: DialectName;
  readonly maxStreams?: number;
  readonly engine?: TestServerOptions["engine"];
  readonly timing?: TestServerOptions["runnerTiming"];
  /**
   * `RUNNER_*` variables; time limits are so long by default that none is reached. With `RUNNER_KEY` the runner is a static
   * one, which the orchestrator lists.
   */
  readonly env?: Readonly<Record<string, string>>;
  readonly orchestrator?: Partial<StandInOptions>;
}

const BEAT_MS = 20;
const APP = "live-video-to-video/comfystream";

/** Resolves when the orchestrator has heard that the runner is ready. Dispose it to end both. */
export async function runnerServer({
  dialect,
  maxStreams = 4,
  engine,
  timing,
  env = {},
  orchestrator: options = {},
}: RunnerServerOptions) {
  const { RUNNER_KEY: key } = env;
  const orchestrator = await StandInOrchestrator.start({
    dialect,
    intervalMs: BEAT_MS,
    ttlMs: 10_000,
    ...options,
  });
  const server = testServer({
    maxStreams,
    ...(engine !== undefined && { engine }),
    ...(timing !== undefined && { runnerTiming: timing }),
    runner: {
      RUNNER_APP: APP,
      ORCH_URL: orchestrator.url,
      ...(key === undefined && { ORCH_SECRET: orchestrator.secret }),
      ...env,
    },
  });
  const { runners } = server;
  if (runners === null) throw new Error("the settings make no runner");
  await server.scheduler.ready(5000);
  const http = listen(server.app, { host: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${http.port}`;
  server.hosts.listensOn({ host: "127.0.0.1", port: http.port ?? 0 });
  runners.start(url);
  const runner =
    key === undefined
      ? await orchestrator.registered()
      : orchestrator.addStatic({
          label: "static",
          app: APP,
          capacity: maxStreams,
          runnerUrl: `${url}/runner/${key}`,
          healthUrl: `${url}/health`,
        });
  await waitFor("a runner that is ready", () => runner.offer.status === "ready");
  const [sessions] = runners.tables;
  if (sessions === undefined) throw new Error("the runner has no sessions");
  let isClosed = false;
  const inUse = () => ({ places: server.admission.taken, held: sessions.ids.length });
  return {
    server,
    runners,
    sessions,
    orchestrator,
    runner,
    url,
    inUse,
    /** Where the orchestrator calls the runner. */
    runnerUrl: runner.offer.runner_url,
    /** Waits until the orchestrator has got so many heartbeats: the second one has left after this call. */
    async beats(count = 2): Promise<void> {
      const seen = runner.beats;
      await waitFor(`${count} heartbeats`, () => runner.beats >= seen + count);
    },
    /** Waits until the orchestrator does not have the session any more. */
    released: ({ id }: ClientSession) =>
      waitFor("the release", () => orchestrator.session(id) === undefined),
    /** Waits until no place is taken and no session is believed to be the orchestrator's. */
    nothingInUse: () =>
      waitFor("nothing in use", () => Bun.deepEquals(inUse(), { places: 0, held: 0 })),
    /** Calls of a route that name this session. */
    callsOf: (route: "stop" | "client-stop" | "channels", { id }: ClientSession) =>
      orchestrator.calls.of(route).filter(({ path }) => path.includes(id)),
    /** How each session has ended or is about to, in the order in which they were heard of. */
    outcomes: () => sessions.all.map(({ outcome }) => outcome),
    /** Drains the sessions, unregisters, and ends the server. */
    async close(graceMs = 0): Promise<void> {
      if (isClosed) return;
      isClosed = true;
      await runners.close(graceMs).left;
      await server.close();
      await http.stop(true);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await this.close();
      await orchestrator[Symbol.asyncDispose]();
    },
  };
}

export type RunnerServer = Awaited<ReturnType<typeof runnerServer>>;
