/** One start of the program, from its execution to what its callers see. */

import { waitFor } from "../../tests/support/wait-for.ts";
import { openPacedPublisher } from "./paced-publisher.ts";
import { type ProductApi, productAt } from "./product-server.ts";
import { readChannel } from "./read-channel.ts";

/** For a first output, and for the end of a server. */
const LIMIT_MS = 10_000;
/** A key frame without output by then came before its reader. */
const AGAIN_MS = 3000;

/** Milliseconds since the program was executed. */
export interface Start {
  /** To the first answer of /health. */
  readonly answers: number;
  /** To the answer that a stream can be started. */
  readonly ready: number;
}

/** A server that is ready. */
export interface StartedServer {
  readonly api: ProductApi;
  readonly start: Start;
  /** Milliseconds since the program was executed. */
  since(): number;
}

/** Runs the program to its end; returns the milliseconds that it took. `home` takes all that it writes. */
export async function timeToExit(command: readonly string[], home: string): Promise<number> {
  const begun = performance.now();
  const child = Bun.spawn([...command], { cwd: home, env: { HOME: home }, stdout: "ignore" });
  const code = await child.exited;
  if (code !== 0) throw new Error(`${command.join(" ")} exited with ${code}`);
  return performance.now() - begun;
}

/** Runs the server until `use` has returned. `home` takes all that it writes. */
export async function withStarted<T>(
  program: readonly string[],
  home: string,
  use: (server: StartedServer) => T | Promise<T>,
): Promise<T> {
  const begun = performance.now();
  const since = () => performance.now() - begun;
  const child = Bun.spawn([...program, "server", "--host", "127.0.0.1", "--port", "0"], {
    cwd: home,
    env: { HOME: home, TMPDIR: home },
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    const url = await listeningUrl(child.stderr);
    let answers = 0;
    await waitFor("an engine that is ready", async () => {
      const { status } = (await (await fetch(`${url}/health`)).json()) as { status: string };
      answers ||= since();
      return status === "IDLE";
    });
    return await use({ api: productAt(url), start: { answers, ready: since() }, since });
  } finally {
    child.kill("SIGTERM");
    const kill = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
    await child.exited;
    clearTimeout(kill);
  }
}

/** Starts a stream without input; returns when the first bytes of its output came, and when its first segment was whole. */
export async function firstSegment({ api, since }: StartedServer) {
  const output = api.channel("out");
  await api.startStream({ prompts: [{ prompt: "bench" }], stream_url: output });
  const times = { firstBytes: 0, whole: 0 };
  const stop = new AbortController();
  await readUntil(output, stop, ({ data, last }) => {
    if (data.length > 0) times.firstBytes ||= since();
    if (!last) return;
    times.whole = since();
    stop.abort();
  });
  return times;
}

/** Starts a stream with input; returns the milliseconds from its first key frame's input to the first byte of its output. */
export async function firstFrame({ api }: StartedServer, keyFrame: Uint8Array): Promise<number> {
  const [input, output] = [api.channel("in"), api.channel("out")];
  await using publisher = await openPacedPublisher(input);
  const fields = { prompts: [{ prompt: "bench" }], model: "identity" };
  await api.startStream({ ...fields, input_url: input, stream_url: output });
  const stop = new AbortController();
  let arrived = 0;
  const reading = readUntil(output, stop, ({ data, arrivedAt }) => {
    if (data.length === 0) return;
    arrived ||= arrivedAt;
    stop.abort();
  });
  const play = async (): Promise<number> => {
    for (;;) {
      const [sent = Number.NaN] = await publisher.play([keyFrame]);
      publisher.endSegment(); // a key frame may fill its last packet, so that only this tells its end
      // The engine reads from the newest segment on: where it comes after this one, it shows the next.
      await Promise.race([reading, Bun.sleep(AGAIN_MS)]);
      if (stop.signal.aborted) return sent;
    }
  };
  const [sent] = await Promise.all([play(), reading]);
  return arrived - sent;
}

/** Reads until `stop` aborts; throws if that takes too long. */
async function readUntil(
  url: string,
  stop: AbortController,
  take: Parameters<typeof readChannel>[2],
): Promise<void> {
  const late = AbortSignal.timeout(LIMIT_MS);
  await readChannel(url, AbortSignal.any([stop.signal, late]), take);
  if (!stop.signal.aborted) throw new Error(`${url} had nothing within ${LIMIT_MS / 1000} s`);
}

async function listeningUrl(log: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of log) {
    text += decoder.decode(bytes, { stream: true });
    const url = / listening url=(\S+)/.exec(text)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`the server ended:\n${text}`);
}
