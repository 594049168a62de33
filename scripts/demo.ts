/**
 * `bun run demo`: installs, starts the server on loopback with two streams, one restyling the other, and prints the
 * address of the playground. Ctrl-C ends everything. It runs on a fresh clone, so it imports nothing that is installed; every
 * child is this same Bun.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { commandLine } from "./command-line.ts";

const ROOT = join(import.meta.dir, "..");
const HOST = "127.0.0.1";
const USUAL_PORT = 5000;
const READY_MS = 60_000;
/** Longer than the server's own grace period of 8 s. */
const END_MS = 9000;
const USAGE = `usage: bun run demo [--port N]
  --port N   where the playground is to be (PORT, else ${USUAL_PORT}; 0: any free one)`;

/** One stream of the chain; it runs the first of `models` that is available. */
interface Link {
  readonly channel: string;
  readonly from?: string;
  readonly models: readonly string[];
  readonly prompt: string;
}

const CHAIN: readonly Link[] = [
  {
    channel: "demo-scene",
    models: ["dreamscape", "test-card"],
    prompt: "a beautiful landscape at sunset",
  },
  {
    channel: "demo-restyled",
    from: "demo-scene",
    models: ["restyle", "edges"],
    prompt: "neon lights, underwater coral",
  },
];

/** An error that is shown to the user without a stack. */
class DemoError extends Error {}

type Server = Bun.Subprocess<"ignore", "ignore", "pipe">;

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => stop.abort(new DemoError(`ended by ${signal}`)));

process.exit(await demo(commandLine("demo", USAGE, askedPort), stop.signal));

async function demo(port: number, ended: AbortSignal): Promise<0 | 1> {
  let server: Server | null = null;
  try {
    await install(ended);
    server = startServer(choosePort(port));
    const url = await firstOf(listening(server), server, ended);
    console.log("Server started; loading models …");
    for (const line of await firstOf(startChain(url, ended), server, ended)) console.log(line);
    console.log(`\nOpen ${url}/ in a browser. Ctrl-C ends the demo.`);
    await firstOf(new Promise<never>(() => {}), server, ended);
    return 0;
  } catch (error) {
    if (ended.aborted) return 0;
    console.error(error instanceof DemoError ? `demo: ${error.message}` : error);
    return 1;
  } finally {
    if (server !== null) await endServer(server);
  }
}

/** Installs the packages and shows the installer's progress; quick if they are installed already. */
async function install(ended: AbortSignal): Promise<void> {
  console.log("Installing packages …");
  const installer = Bun.spawn([process.execPath, "install", "--frozen-lockfile"], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
    signal: ended,
  });
  if ((await installer.exited) === 0) return;
  ended.throwIfAborted();
  throw new DemoError(
    "the packages could not be installed: see above. It needs the npm registry, or the folder node_modules as it was.",
  );
}

/** The port of the flag, of `PORT`, or 5000. */
function askedPort(): number {
  const { values } = parseArgs({ options: { port: { type: "string" } } });
  const asked = values.port || Bun.env["PORT"] || String(USUAL_PORT);
  const port = Number(asked);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(`the port must be an integer from 0 to 65535, got ${asked}`);
}

/** The wanted port, or any free one if that is taken. */
function choosePort(wanted: number): number {
  try {
    Bun.listen({ hostname: HOST, port: wanted, socket: { data() {} } }).stop(true);
    return wanted;
  } catch {
    console.log(`Port ${wanted} is in use; using another one.`);
    return 0;
  }
}

function startServer(port: number): Server {
  // Settings of a real worker (tokens, orchestrators) must not apply here; an empty variable counts as absent.
  const unset = ["API_TOKEN", "CAPABILITY_TOKEN", "ORCH_URL", "TRICKLE_SERVER", "MAX_STREAMS"];
  const flags = ["--host", HOST, "--port", String(port), "--log-format", "json"];
  return Bun.spawn(
    [process.execPath, "--no-orphans", join(ROOT, "src/main.ts"), "server", ...flags],
    {
      cwd: ROOT,
      env: {
        ...Bun.env,
        ...Object.fromEntries(unset.map((name) => [name, ""])),
        LOG_LEVEL: "info",
      },
      stdio: ["ignore", "ignore", "pipe"],
      // Ctrl-C reaches this process, which then stops the server gracefully.
      detached: true,
    },
  );
}

/** Reads the server's address from its log, and prints its warnings and errors for as long as it runs. */
function listening(server: Server): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  void readLines(server.stderr, (line) => {
    const { level, message, url, error, why } = parsed(line);
    if (message === "listening" && url) resolve(url);
    if (level === undefined) console.error(line);
    else if (level === "WARN" || level === "ERROR")
      console.error([message, error ?? why].filter(Boolean).join(": "));
  });
  return promise;
}

/** Starts the streams in order; returns a line to print for each. */
async function startChain(url: string, signal: AbortSignal): Promise<string[]> {
  const models = await modelNames(url, signal);
  const lines: string[] = [];
  for (const { channel, from, models: wanted, prompt } of CHAIN) {
    const model = wanted.find((name) => models.includes(name));
    if (model === undefined) throw new DemoError(`the server has none of ${wanted.join(", ")}`);
    const body = {
      prompts: [{ prompt }],
      model,
      stream_url: `${url}/trickle/${channel}`,
      ...(from && { input_url: `${url}/trickle/${from}` }),
    };
    const answer = await ask(`${url}/stream/start`, signal, body);
    if (answer.success !== true)
      throw new DemoError(`the stream ${channel} did not start: ${answer.error}`);
    lines.push(`${channel}: ${model}, "${prompt}"${from ? `, from ${from}` : ""}`);
  }
  return lines;
}

/** Waits until an engine has reported its models. */
async function modelNames(url: string, signal: AbortSignal): Promise<string[]> {
  const deadline = performance.now() + READY_MS;
  while (performance.now() < deadline) {
    const { models = [] } = await ask(`${url}/models`, signal);
    if (models.length > 0) return models.map(({ name }) => name);
    await Bun.sleep(100);
  }
  throw new DemoError(
    `no model was ready within ${READY_MS / 1000} s; \`bun run doctor\` says why`,
  );
}

interface Answer {
  readonly success?: boolean;
  readonly error?: string;
  readonly models?: readonly { readonly name: string }[];
}

async function ask(url: string, signal: AbortSignal, body?: unknown): Promise<Answer> {
  const post = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(url, { ...post, signal, proxy: "" });
  return (await response.json()) as Answer; // our own server's answer
}

/** The work's result, unless the server exits or the user interrupts first. */
async function firstOf<T>(work: Promise<T>, server: Server, ended: AbortSignal): Promise<T> {
  const { promise: enough, reject } = Promise.withResolvers<never>();
  const abort = () => reject(ended.reason);
  ended.addEventListener("abort", abort, { once: true });
  if (ended.aborted) abort();
  const gone = server.exited.then((code) => {
    throw new DemoError(`the server exited with code ${code}`);
  });
  try {
    return await Promise.race([work, enough, gone]);
  } finally {
    ended.removeEventListener("abort", abort);
  }
}

async function endServer(server: Server): Promise<void> {
  if (server.exitCode === null && server.signalCode === null) console.log("\nStopping …");
  server.kill("SIGTERM");
  const late = setTimeout(() => server.kill("SIGKILL"), END_MS);
  await server.exited;
  clearTimeout(late);
}

async function readLines(bytes: ReadableStream<Uint8Array>, take: (line: string) => void) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const part of bytes) {
    const lines = (rest + decoder.decode(part, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") take(line);
  }
}

function parsed(line: string): Record<string, string | undefined> {
  try {
    return JSON.parse(line);
  } catch {
    return {}; // a crash prints plain text, which is shown as it is
  }
}
