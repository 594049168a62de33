/** Benchmark `start`: from the start of the built binary to its answers, against the same source run by Bun. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../../tests/support/wait-for.ts";
import type { Benchmark } from "./benchmark.ts";
import type { Measurement } from "./report.ts";

const ROOT = join(import.meta.dir, "../..");
const BINARY = join(ROOT, "dist/comfystream-byoc");
const SOURCE = [process.execPath, join(ROOT, "src/main.ts")];

interface Start {
  /** To the first answer of /health, in milliseconds. */
  readonly answers: number;
  /** To the answer that a stream can be started. */
  readonly ready: number;
}

export const start: Benchmark = async ({ quick, log }) => {
  if (!existsSync(BINARY))
    return [{ case: "start", unit: "ms", samples: [], note: "needs `bun run build` first" }];
  const versions: Record<"binary" | "source", number[]> = { binary: [], source: [] };
  const starts: Record<"first" | "later" | "source", Start[]> = {
    first: [],
    later: [],
    source: [],
  };
  for (let round = 1; round <= (quick ? 1 : 10); round++) {
    const home = await mkdtemp(join(tmpdir(), "start-"));
    try {
      versions.binary.push(await timeToPrintVersion([BINARY], home));
      versions.source.push(await timeToPrintVersion(SOURCE, home));
      starts.first.push(await timeToStart([BINARY], home));
      starts.later.push(await timeToStart([BINARY], home));
      starts.source.push(await timeToStart(SOURCE, home));
    } finally {
      await rm(home, { recursive: true, force: true });
    }
    log(`round ${round}: ${starts.later.at(-1)?.ready.toFixed(0)} ms until ready`);
  }
  const rows = (name: string, list: readonly Start[], of: keyof Start): Measurement => ({
    case: name,
    unit: "ms",
    samples: list.map((one) => one[of]),
    reference: { name: "source", samples: starts.source.map((one) => one[of]) },
  });
  return [
    {
      case: "--version",
      unit: "ms",
      samples: versions.binary,
      reference: { name: "source", samples: versions.source },
    },
    rows("first start: /health answers", starts.first, "answers"),
    rows("first start: a stream can be started", starts.first, "ready"),
    rows("later start: /health answers", starts.later, "answers"),
    rows("later start: a stream can be started", starts.later, "ready"),
  ];
};

async function timeToPrintVersion(program: readonly string[], home: string): Promise<number> {
  const begun = performance.now();
  const child = Bun.spawn([...program, "--version"], {
    cwd: home,
    env: { HOME: home },
    stdout: "ignore",
  });
  await child.exited;
  return performance.now() - begun;
}

async function timeToStart(program: readonly string[], home: string): Promise<Start> {
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
    return { answers, ready: since() };
  } finally {
    child.kill("SIGTERM");
    await child.exited;
  }
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
