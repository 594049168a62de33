import { afterEach, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import type { Checkpoint, StreamParams } from "../../src/engine/protocol/work.ts";
import type { PlainError } from "../../src/errors.ts";
import type { PlacedStream, StreamMessage } from "../../src/server/engines/placed-stream.ts";
import type { EngineScheduler } from "../../src/server/engines/scheduler.ts";
import { CLOCK_DEFAULTS } from "../../src/server/streams/params.ts";
import { fakePool } from "../support/test-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

const pools: EngineScheduler[] = [];
const opened = (...options: Parameters<typeof fakePool>): EngineScheduler => {
  const pool = fakePool(...options);
  pools.push(pool);
  return pool;
};

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close(AbortSignal.timeout(1000))));
});

/** A stream that keeps what it is told. */
class RecordingStream implements PlacedStream {
  readonly id: string;
  readonly spec: PlacedStream["spec"];
  readonly messages: StreamMessage["type"][] = [];
  params: StreamParams;
  checkpoint: Checkpoint | null = null;
  interruptions = 0;
  error: PlainError | null = null;

  constructor(id: string, prompt: string) {
    this.id = id;
    this.params = { ...CLOCK_DEFAULTS, prompts: [{ prompt }] };
    this.spec = {
      output: { endpoint: { url: `http://127.0.0.1:9/${id}` }, lifecycle: "owned" },
      container: "fmp4",
      segment_seconds: 1,
      audio: "none",
    };
  }

  receive(message: StreamMessage): void {
    this.messages.push(message.type);
    if (message.type === "checkpoint") this.checkpoint = message.checkpoint;
    if (message.type === "ended") this.error = message.error ?? null;
  }

  interrupted(): void {
    this.interruptions++;
  }

  has(type: StreamMessage["type"]): boolean {
    return this.messages.includes(type);
  }

  command(prompt: string): this {
    this.params = { ...this.params, prompts: [{ prompt }] };
    return this;
  }
}

async function running(pool: EngineScheduler, stream: RecordingStream): Promise<RecordingStream> {
  await pool.ready(5000);
  pool.start(stream);
  await waitFor("the stream to start", () => stream.has("stats"));
  return stream;
}

test("streams are spread over engines, the emptiest first", async () => {
  const pool = opened({ engines: 2 });
  await waitFor("both engines", () => pool.engines.every(({ state }) => state === "ready"));
  for (const id of ["a", "b", "c", "d"]) pool.start(new RecordingStream(id, ""));
  expect(pool.engines.map(({ streams }) => streams)).toEqual([2, 2]);
});

test("a stream placed before an engine is ready starts when one is", async () => {
  const pool = opened();
  const stream = new RecordingStream("a", "");
  pool.start(stream);
  await waitFor("the start", () => stream.has("started"));
});

test.each(["exit", "segv"])(
  "after %s another engine takes every stream up at its checkpoint, with the parameters as they are",
  async (fault) => {
    const pool = opened();
    const victim = await running(pool, new RecordingStream("victim", ""));
    const killer = await running(pool, new RecordingStream("killer", ""));
    const first = pool.engines[0]?.pid;
    pool.update(killer.command(fault));
    killer.command("");
    await waitFor("the second life", () => victim.checkpoint?.seq === 1);
    await waitFor("the second life", () => killer.checkpoint?.seq === 1);
    expect([victim.interruptions, killer.interruptions]).toEqual([1, 1]);
    expect(pool.engines[0]).toMatchObject({ state: "ready", restarts: 1, streams: 2 });
    expect(pool.engines[0]?.pid).not.toBe(first ?? 0);
    expect(victim.has("ended")).toBe(false);
  },
);

test("an engine that hangs is killed for its silence, and its streams go on", async () => {
  const pool = opened();
  const stream = await running(pool, new RecordingStream("a", ""));
  pool.update(stream.command("hang"));
  stream.command("");
  await waitFor("the second life", () => stream.checkpoint?.seq === 1);
  expect(stream.interruptions).toBe(1);
});

test("a stream whose engine does not answer a stop ends all the same, and the others go on", async () => {
  const pool = opened();
  const other = await running(pool, new RecordingStream("other", ""));
  const stubborn = await running(pool, new RecordingStream("stubborn", "ignore stops"));
  pool.stop(stubborn);
  await waitFor("the end", () => stubborn.has("ended"));
  expect(stubborn.error).toBeNull();
  await waitFor("the other's second life", () => other.checkpoint?.seq === 1);
});

test("a stream that saw five engines die without a segment between ends in error", async () => {
  const pool = opened();
  await pool.ready(5000);
  const doomed = new RecordingStream("doomed", "exit");
  pool.start(doomed);
  await waitFor("the end", () => doomed.has("ended"));
  expect(doomed.error?.kind).toBe("engine_unavailable");
  expect(doomed.interruptions).toBe(4);
  // The pool recovers by itself: nothing in it is broken but that stream.
  await waitFor("an engine again", () => pool.engines[0]?.state === "ready");
});

test("engines that cannot start come back ever more slowly, and the pool says it is broken", async () => {
  const pool = opened({ engine: "dies" });
  const begun = performance.now();
  await waitFor("five restarts", () => (pool.engines[0]?.restarts ?? 0) >= 5);
  expect(performance.now() - begun).toBeGreaterThan(100 + 200 + 400 + 800);
  expect(pool.state).toBe("broken");
  await expect(pool.ready(50)).rejects.toMatchObject({ kind: "engine_unavailable" });
});

test("an engine that dies now and then does not make the pool broken", async () => {
  const pool = opened();
  const real = performance.now.bind(performance);
  let ahead = 0;
  const clock = spyOn(performance, "now").mockImplementation(() => real() + ahead);
  try {
    for (let n = 1; n <= 6; n++) {
      await pool.ready(5000);
      ahead += 31_000; // it has lived long
      process.kill(pool.engines[0]?.pid ?? 0, "SIGKILL");
      await waitFor("its death", () => pool.engines[0]?.restarts === n);
      expect(pool.state).toBe("ready");
    }
  } finally {
    clock.mockRestore();
  }
});

test("an engine that does not list its models is not waited for", async () => {
  const pool = opened();
  await running(pool, new RecordingStream("hung", "hang"));
  const asked = performance.now();
  expect((await pool.freshModels()).map(({ name }) => name)).toContain("edges");
  expect(performance.now() - asked).toBeLessThan(2500); // at 3 s the engine counts as hung
});

test("an asked-for device that is missing is told and not tried again", async () => {
  const pool = opened({ devices: ["cuda:0"] });
  expect(await pool.unfit).toEqual({
    kind: "device_unavailable",
    message: "cuda:0 is not there",
  });
  expect(pool.engines).toMatchObject([{ state: "unfit", restarts: 0 }]);
});

test("a found device that is of no use gives way to the CPU", async () => {
  const pool = opened({ devices: ["cuda:0"], fallback: "cpu" });
  await pool.ready(5000);
  expect(pool.engines.map(({ device, state }) => [device, state])).toEqual([
    ["cuda:0", "unfit"],
    ["cpu", "ready"],
  ]);
});

test("a closed pool leaves no process, also of engines that hang", async () => {
  const pool = opened({ engines: 2 });
  await waitFor("both engines", () => pool.engines.every(({ state }) => state === "ready"));
  const pids = pool.engines.flatMap(({ pid }) => pid ?? []);
  expect(pids).toHaveLength(2);
  const stream = await running(pool, new RecordingStream("a", ""));
  pool.update(stream.command("hang"));
  await pool.close(AbortSignal.timeout(300));
  expect(stream.has("ended")).toBe(true);
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
});
