/** Engines that are killed, crashed or stopped in every phase, and a server that is killed with them, leave nothing behind. With the real server. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { api } from "../support/live-stream.ts";
import { holdings } from "../support/process-holdings.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(40_000);

const SIGNALS = ["SIGKILL", "SIGSEGV", "SIGSTOP"] as const;

let server: ServerProcess | null = null;
afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  server = null;
});

async function started(): Promise<ServerProcess> {
  server = await startServer(MAIN);
  return server;
}

const startBody = (url: string) => ({
  stream_url: `${url}/trickle/out`,
  model: "test-card",
  width: 128,
  height: 128,
  fps: 10,
});

/** The engine processes of a server: its children, once they run a program of their own. */
function enginesOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => {
      try {
        const stat = readFileSync(`/proc/${candidate}/stat`, "utf8");
        if (Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) !== pid) return false;
        // Until it does, its parent waits for it: a signal would stop both.
        return readFileSync(`/proc/${candidate}/cmdline`, "utf8") !== ownCommand(pid);
      } catch {
        return false; // it ended meanwhile
      }
    });
}

const ownCommand = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, "utf8");

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const ours = () => readdirSync(tmpdir()).filter((name) => name.startsWith("comfystream-byoc-"));

const firstEngine = async (pid: number): Promise<number> => {
  await waitFor("an engine process", () => enginesOf(pid).length > 0);
  return enginesOf(pid)[0] ?? 0;
};

async function liveStreams(url: string): Promise<string[]> {
  const answer = (await (await fetch(`${url}/streams`)).json()) as {
    streams: { manifest_id: string }[];
  };
  return answer.streams.map(({ manifest_id }) => manifest_id);
}

/** Brings a server into a phase of its engine's life; returns the engine. */
const PHASES: Record<string, (server: ServerProcess) => Promise<number>> = {
  booting: ({ pid }) => firstEngine(pid),
  idle: async ({ url, pid }) => {
    await waitFor("an engine", async () => (await api(url).health()).engines[0]?.state === "ready");
    return await firstEngine(pid);
  },
  loading: async ({ url, pid }) => {
    await PHASES["idle"]?.({ url, pid } as ServerProcess);
    await api(url).start(startBody(url));
    return await firstEngine(pid);
  },
  running: async ({ url, pid }) => {
    const id = await api(url).start(startBody(url));
    await waitFor("a segment", async () => (await api(url).stream(id)).stats.segments_out >= 2);
    return await firstEngine(pid);
  },
  stopping: async ({ url, pid }) => {
    const engine = await PHASES["running"]?.({ url, pid } as ServerProcess);
    const [id] = await liveStreams(url);
    if (id !== undefined)
      void api(url)
        .stop(id)
        .catch(() => {}); // its engine is about to die
    return engine ?? 0;
  },
};

describe.each(SIGNALS)("%s of an engine", (signal) => {
  test.each(Object.keys(PHASES))(
    "that is %s: the server recovers and leaves nothing",
    async (phase) => {
      const { url, pid, ...rest } = await started();
      const { stop, health, stream } = api(url);
      const victim = (await PHASES[phase]?.({ url, pid, ...rest })) ?? 0;
      process.kill(victim, signal);
      await waitFor("its end", () => !isAlive(victim), 15_000);
      await waitFor(
        "another engine",
        async () =>
          (await health()).engines.some((one: { state: string }) => one.state === "ready"),
        15_000,
      );
      for (const id of phase === "stopping" ? [] : await liveStreams(url)) {
        const { frames_out: before } = (await stream(id)).stats;
        await waitFor("pictures again", async () => (await stream(id)).stats.frames_out > before);
        await stop(id);
      }
      await waitFor(
        "nothing to be left",
        async () => {
          const { engines, active_streams } = await health();
          const left = engines.map((one: { live: object }) => one.live);
          const isEmpty = (live: object | null) =>
            live !== null && Object.values(live).every((count) => count === 0);
          return active_streams === 0 && left.every(isEmpty);
        },
        15_000,
      );
      await waitFor(
        "engines that are no longer needed to end",
        async () => holdings(pid).children === (await health()).engines.length,
      );
    },
  );
});

test.each(["running", "booting"] as const)(
  "kill -9 of the server takes its engine along that is stopped while %s, and leaves no file",
  async (phase) => {
    const before = ours();
    const { url, pid, ...rest } = await started();
    const engine = (await PHASES[phase]?.({ url, pid, ...rest })) ?? 0;
    process.kill(engine, "SIGSTOP");
    process.kill(pid, "SIGKILL");
    // An engine that has not yet run its first line is ended by the closed channel once it goes on.
    if (phase === "booting") process.kill(engine, "SIGCONT");
    await waitFor("the engine's end", () => !isAlive(engine), 5000);
    expect(ours()).toEqual(before);
  },
);

test("SIGTERM while an engine boots does not take the grace", async () => {
  const { pid, kill, exited } = await started();
  const engine = await firstEngine(pid);
  const asked = performance.now();
  kill("SIGTERM");
  expect(await exited).toBe(0);
  expect(performance.now() - asked).toBeLessThan(4000);
  expect(isAlive(engine)).toBe(false);
});
