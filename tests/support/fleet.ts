/** Starts several real workers behind a real proxy, registered as one with the stand-in orchestrator. */
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OrchestratorStreams } from "./gateway-orchestrator.ts";
import { enginePid } from "./live-stream.ts";
import { Orchestrator } from "./orchestrator.ts";
import { orchestratorTrickle } from "./orchestrator-channels.ts";
import { MAIN, type ServerProcess, startServer } from "./server-process.ts";
import { waitFor } from "./wait-for.ts";

const DEPLOY = join(import.meta.dir, "../../deploy");
const SECRET = "stand-in-secret";
const TOKEN = "fleet-token";
export const CAPABILITY = "fleet-video";

/** How to start a proxy with the configuration in `deploy/`. */
export interface FleetProxy {
  readonly name: "haproxy" | "caddy";
  readonly program: string;
}

const COMMANDS = {
  haproxy: (program: string) => [program, "-f", `${DEPLOY}/haproxy/haproxy.cfg`],
  caddy: (program: string) => [program, "run", "--config", `${DEPLOY}/caddy/Caddyfile`],
};

export interface Fleet extends AsyncDisposable {
  readonly workers: readonly ServerProcess[];
  readonly orchestrator: Orchestrator;
  readonly streams: OrchestratorStreams;
  /** Ids of the live streams of each worker; of one that is gone, none. */
  placement(): Promise<readonly (readonly string[])[]>;
  /** Starts a worker again at its old address. */
  restart(worker: number): Promise<void>;
  /** Sends HAProxy a command for operators. */
  command(text: string): Promise<void>;
  /** Kills the proxy and starts it again, with all that it knew forgotten. */
  restartProxy(): Promise<void>;
}

/** Resolves when all workers are registered. `places`: of each worker. */
export async function startFleet(proxy: FleetProxy, size: number, places: number): Promise<Fleet> {
  await using started = new AsyncDisposableStack();
  const host = started.use(orchestratorTrickle());
  const orchestrator = started.use(await Orchestrator.start({ secret: SECRET }));
  const startWorker = async (port = 0): Promise<ServerProcess> => {
    const flags = ["--port", `${port}`, "--device", "cpu", "--max-streams", `${places}`];
    // An orchestrator hosts its channels itself; the stand-in's are on a port of their own.
    const hosts = ["--allow-hosts", `127.0.0.1:${host.port}`];
    const env = {
      ORCH_URL: orchestrator.url,
      CAPABILITY_NAME: CAPABILITY,
      CAPABILITY_TOKEN: TOKEN,
    };
    const worker = await startServer(MAIN, [...flags, ...hosts], env);
    await enginePid(worker.url);
    return worker;
  };
  const workers = await Promise.all(Array.from({ length: size }, () => startWorker()));
  for (const worker of workers) started.use(worker);
  const addresses = workers.map(({ port }) => `127.0.0.1:${port}`);
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  const adminSocket = join(tmpdir(), `fleet-${port}.sock`);
  started.defer(() => rm(adminSocket, { force: true }));
  const startProxy = async () => {
    const running = run(COMMANDS[proxy.name](proxy.program), {
      BIND: `127.0.0.1:${port}`,
      ADMIN_SOCKET: adminSocket,
      WORKERS: addresses.join(" "),
      ...Object.fromEntries(addresses.map((address, n) => [`WORKER_${n + 1}`, address])),
    });
    await waitFor("the proxy answers", () => answers(url));
    return running;
  };
  let running = started.use(await startProxy());
  started.use(
    run([process.execPath, MAIN, "registrar"], {
      ORCH_URL: orchestrator.url,
      ORCH_SECRET: SECRET,
      CAPABILITY_NAME: CAPABILITY,
      CAPABILITY_TOKEN: TOKEN,
      CAPABILITY_URL: url,
      WORKERS: workers.map((worker) => worker.url).join(),
    }),
  );
  const trickleUrl = host.url("").replace(/\/$/, "");
  const streams = new OrchestratorStreams({ orchestrator, capability: CAPABILITY, trickleUrl });
  const registered = () => orchestrator.capabilities.get(CAPABILITY)?.capacity === size * places;
  await waitFor("all workers are registered", registered);
  const owned = started.move();
  return {
    workers,
    orchestrator,
    streams,
    placement: () => Promise.all(workers.map((worker) => idsAt(worker))),
    restart: async (n) => {
      workers[n] = owned.use(await startWorker(workers[n]?.port));
    },
    command: (text) => sendCommand(adminSocket, text),
    restartProxy: async () => {
      await running[Symbol.asyncDispose]();
      running = owned.use(await startProxy());
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Runs a program; disposing ends it. */
function run(command: string[], env: Record<string, string>): AsyncDisposable {
  const child = Bun.spawn(command, {
    stdio: ["ignore", "ignore", "ignore"],
    env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", ...env },
  });
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Resolves when HAProxy has carried it out, which it shows by closing. Throws with its answer: it has none but failures. */
async function sendCommand(unix: string, text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let answer = "";
  await Bun.connect({
    unix,
    socket: {
      open: (socket) => void socket.write(`${text}\n`),
      data: (_, bytes) => {
        answer += bytes.toString();
      },
      close: () => (answer.trim() === "" ? resolve() : reject(new Error(answer))),
      error: (_, error) => reject(error),
    },
  });
  return promise;
}

async function idsAt({ url }: ServerProcess): Promise<string[]> {
  const answer = await fetch(`${url}/streams`).catch(() => null);
  if (answer === null) return []; // its process was killed
  const { streams } = (await answer.json()) as { streams: { manifest_id: string }[] };
  return streams.map(({ manifest_id }) => manifest_id);
}

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    () => true,
    () => false, // nothing listens yet
  );

function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
