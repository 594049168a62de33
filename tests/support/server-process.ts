/** Starts servers as processes of their own and finds their address in the `listening` log line. */
import { join } from "node:path";

/** A folder with bundles of the programs below, which a check makes: they start in half of the time. */
const bundles = process.env["TEST_PROGRAMS"];
/** The product's entry point as source, for tests whose preloads replace parts of it. */
export const SOURCE_MAIN = join(import.meta.dir, "../../src/main.ts");
/** The product's entry point. */
export const MAIN = bundles === undefined ? SOURCE_MAIN : join(bundles, "main.ts");
/** An engine that fails on demand. */
export const FAKE_ENGINE = join(bundles ?? import.meta.dir, "fake-engine.ts");
/** The server with fake engines. */
export const FAKE_SERVER = join(bundles ?? import.meta.dir, "fake-server.ts");

export interface ServerProcess extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly exited: Promise<number>;
  kill(signal: "SIGTERM" | "SIGKILL"): void;
}

/** Tests look into their servers below /proc, which a server hides from all but root. */
const inspectable = process.getuid?.() === 0 ? {} : { INSPECTABLE: "on" };

/** Runs the program to its end; returns what it printed and its exit code. */
export async function runProgram(program: string, args: readonly string[], env = {}) {
  const child = Bun.spawn([process.execPath, program, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] ?? "", ...env },
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { out, err, code };
}

/** Starts a server on a free port and waits until it listens. Disposing kills it. `onLine` gets its log, line by line as JSON, `onText` all else. */
export async function startServer(
  program: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  onLine: (line: string) => void = () => {},
  onText: (line: string) => void = () => {},
): Promise<ServerProcess> {
  const flags = ["--port", "0", "--host", "127.0.0.1", "--log-format", "json", ...args];
  const child = Bun.spawn([process.execPath, program, ...flags], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env["PATH"] ?? "", ...inspectable, ...env },
  });
  const listening = Promise.withResolvers<string>();
  void readLines(child.stderr, (line) => {
    if (!line.startsWith("{")) return onText(line);
    onLine(line);
    const { message, url } = JSON.parse(line) as { message?: string; url?: string };
    if (message === "listening" && url !== undefined) listening.resolve(url);
  });
  void child.exited.then((code) =>
    listening.reject(new Error(`the server exited with code ${code}`)),
  );
  const url = await listening.promise;
  return {
    url,
    port: Number(new URL(url).port),
    pid: child.pid,
    exited: child.exited,
    kill: (signal) => child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

async function readLines(stream: ReadableStream<Uint8Array>, take: (line: string) => void) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") take(line);
  }
}
