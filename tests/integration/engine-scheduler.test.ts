/** Which engine runs which work, and what becomes of it when engines die. With processes that fail on demand. */

import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WorkReport } from "../../src/engine/protocol/messages.ts";
import type { Checkpoint, StreamParams, WorkOrder } from "../../src/engine/protocol/work.ts";
import type { PlainError } from "../../src/errors.ts";
import type { EngineScheduler } from "../../src/server/engines/scheduler.ts";
import type { Work } from "../../src/server/engines/work.ts";
import { CLOCK_DEFAULTS } from "../../src/server/streams/params.ts";
import { ahead } from "../support/ahead.ts";
import { fakeScheduler } from "../support/test-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

const opened: EngineScheduler[] = [];
const scheduler = (...options: Parameters<typeof fakeScheduler>): EngineScheduler => {
  const engines = fakeScheduler(...options);
  opened.push(engines);
  return engines;
};

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close(AbortSignal.timeout(1000))));
});

/** A stream that records its reports. */
class RecordingStream implements Work {
  readonly id: string;
  readonly reports: WorkReport["type"][] = [];
  params: StreamParams;
  checkpoint: Checkpoint | null = null;
  interruptions = 0;
  hungRuns = 0;
  error: PlainError | null = null;

  constructor(id: string, prompt: string) {
    this.id = id;
    this.params = { ...CLOCK_DEFAULTS, prompts: [{ prompt }] };
  }

  order(): WorkOrder {
    const endpoint = { url: `http://127.0.0.1:9/${this.id}` };
    return {
      kind: "stream",
      revision: 0,
      spec: {
        output: { endpoint, lifecycle: "owned" },
        container: "fmp4",
        segment_seconds: 1,
        audio: "none",
      },
      params: this.params,
      ...(this.checkpoint && { resume: { ...this.checkpoint, age_ms: 0 } }),
    };
  }

  lost(error?: PlainError): void {
    this.receive({ type: "ended", id: this.id, ...(error && { error }) });
  }

  receive(report: WorkReport): void {
    this.reports.push(report.type);
    if (report.type === "checkpoint") this.checkpoint = report.checkpoint;
    if (report.type === "ended") this.error = report.error ?? null;
  }

  handedTo(): void {}

  interrupted(_why: string, hungRuns = 0): void {
    this.interruptions++;
    this.hungRuns += hungRuns;
  }

  has(type: WorkReport["type"]): boolean {
    return this.reports.includes(type);
  }

  command(prompt: string): this {
    this.params = { ...this.params, prompts: [{ prompt }] };
    return this;
  }
}

async function running(engines: EngineScheduler, stream: RecordingStream) {
  await engines.ready(5000);
  engines.start(stream);
  await waitFor("the stream to start", () => stream.has("stats"));
  return stream;
}

const resumed = (stream: RecordingStream) =>
  waitFor(`${stream.id} to be resumed`, () => (stream.checkpoint?.seq ?? 0) > 0);

describe("placing", () => {
  test("streams are spread over engines, the emptiest first", async () => {
    const engines = scheduler({ engines: 2 });
    await waitFor("both engines", () => engines.engines.every(({ state }) => state === "ready"));
    for (const id of ["a", "b", "c", "d"]) engines.start(new RecordingStream(id, ""));
    expect(engines.engines.map(({ streams }) => streams)).toEqual([2, 2]);
  });

  test("a stream placed before an engine is ready starts when one is", async () => {
    const engines = scheduler();
    const stream = new RecordingStream("a", "");
    engines.start(stream);
    await waitFor("the start", () => stream.has("started"));
  });
});

describe("death", () => {
  test("after a silent exit another engine resumes every stream at its checkpoint, with its current parameters", async () => {
    const engines = scheduler();
    const one = await running(engines, new RecordingStream("one", ""));
    const two = await running(engines, new RecordingStream("two", ""));
    const first = engines.engines[0]?.pid;
    engines.update(two.command("exit quietly"));
    two.command("");
    await Promise.all([resumed(one), resumed(two)]);
    expect([one.interruptions, two.interruptions]).toEqual([1, 1]);
    expect(engines.engines).toMatchObject([
      { state: "ready", restarts: 1, streams: 2, isolated: false },
    ]);
    expect(engines.engines[0]?.pid).not.toBe(first ?? 0);
    expect(one.has("ended")).toBe(false);
  });

  test.each(["exit", "segv"])(
    "after %s in a call the stream that made it runs alone, and the others share an engine again",
    async (fault) => {
      const engines = scheduler();
      const neighbour = await running(engines, new RecordingStream("neighbour", ""));
      const suspect = await running(engines, new RecordingStream("suspect", ""));
      engines.update(suspect.command(fault));
      suspect.command("");
      await Promise.all([resumed(neighbour), resumed(suspect)]);
      expect([neighbour.interruptions, suspect.interruptions]).toEqual([1, 1]);
      expect(engines.engines).toMatchObject([
        { restarts: 1, streams: 1, isolated: false },
        { restarts: 0, streams: 1, isolated: true },
      ]);
      engines.stop(suspect);
      await waitFor("its engine to go", () => engines.engines.length === 1);
      expect(neighbour.interruptions).toBe(1);
    },
  );

  test("two deaths alone end a stream with the reason, and its neighbours see one restart", async () => {
    const engines = scheduler();
    const neighbours = [
      await running(engines, new RecordingStream("left", "")),
      await running(engines, new RecordingStream("right", "")),
    ];
    const culprit = await running(engines, new RecordingStream("culprit", ""));
    engines.update(culprit.command("segv"));
    await waitFor("the end", () => culprit.has("ended"));
    expect(culprit.error).toEqual({
      kind: "unsupported_media",
      message: "its engine died 2 times while it ran alone: SIGSEGV while decoding a frame",
    });
    expect(culprit.interruptions).toBe(3);
    await Promise.all(neighbours.map(resumed));
    expect(neighbours.map(({ interruptions }) => interruptions)).toEqual([1, 1]);
    await waitFor("its engine to go", () => engines.engines.length === 1);
  });

  test("a stream that kills its engines after its second segment is found as well", async () => {
    const engines = scheduler();
    const neighbour = await running(engines, new RecordingStream("neighbour", ""));
    const culprit = await running(engines, new RecordingStream("culprit", ""));
    engines.update(culprit.command("exit after two segments"));
    await waitFor("the end", () => culprit.has("ended"));
    expect(culprit.error).toMatchObject({ kind: "model_failed" });
    expect(neighbour.interruptions).toBe(1);
  });

  test("those who were in the middle of a call by chance run alone for once and are not charged", async () => {
    const engines = scheduler();
    const innocent = await running(engines, new RecordingStream("innocent", ""));
    const culprit = await running(engines, new RecordingStream("culprit", ""));
    engines.update(culprit.command("exit amid others"));
    await waitFor("the end", () => culprit.has("ended"));
    await resumed(innocent);
    expect(innocent.has("ended")).toBe(false);
    expect(innocent.interruptions).toBe(1);
  });

  test("a stream whose only engine died keeps it, and a shared one comes back beside it", async () => {
    const engines = scheduler();
    const only = await running(engines, new RecordingStream("only", ""));
    engines.update(only.command("exit"));
    only.command("");
    await resumed(only);
    expect(engines.engines).toMatchObject([{ isolated: true, restarts: 1 }]);
    await waitFor("a shared engine", () =>
      engines.engines.some(({ isolated, state }) => !isolated && state === "ready"),
    );
    engines.stop(only);
    await waitFor("one engine", () => engines.engines.length === 1);
  });

  test("a stream that starts while the only engine is reserved gets one of its own at once", async () => {
    const engines = scheduler();
    const only = await running(engines, new RecordingStream("only", ""));
    engines.update(only.command("exit"));
    only.command("");
    await resumed(only);
    const next = new RecordingStream("next", "");
    engines.start(next);
    await waitFor("its start", () => next.has("started"));
    expect(engines.engines.filter(({ isolated }) => isolated)).toMatchObject([{ streams: 1 }]);
  });

  test("an engine that dies for no reason again and again makes suspects of all its streams", async () => {
    const engines = scheduler();
    const neighbour = await running(engines, new RecordingStream("neighbour", ""));
    const culprit = await running(engines, new RecordingStream("culprit", ""));
    engines.update(culprit.command("exit quietly"));
    await waitFor("the end", () => culprit.has("ended"));
    expect(culprit.error?.message).toBe("its engine died 2 times while it ran alone: exit code 7");
    await resumed(neighbour);
    expect(neighbour.has("ended")).toBe(false);
    expect(neighbour.interruptions).toBe(3);
  });

  test("an engine that delivers comes back quickly however often it dies", async () => {
    const engines = scheduler();
    const culprits = Array.from({ length: 3 }, (_, n) => new RecordingStream(`culprit ${n}`, ""));
    const witness = await running(engines, new RecordingStream("witness", ""));
    for (const culprit of culprits) {
      await running(engines, culprit);
      engines.update(culprit.command("exit after two segments"));
      await waitFor("its end", () => culprit.has("ended"));
    }
    const died = performance.now();
    const before = witness.interruptions;
    const last = await running(engines, new RecordingStream("last", ""));
    engines.update(last.command("exit after two segments"));
    await waitFor("the witness to be resumed", () => witness.interruptions > before);
    await engines.ready(5000);
    expect(performance.now() - died).toBeLessThan(5000); // the fifth back-off would be 1.6 s, the eighth 10 s
  });
});

describe("acquittal", () => {
  test("a suspect that does well for a minute shares its engine again, which takes no new work and ends with it", async () => {
    const engines = scheduler();
    const neighbour = await running(engines, new RecordingStream("neighbour", ""));
    const suspect = await running(engines, new RecordingStream("suspect", ""));
    engines.update(suspect.command("exit"));
    suspect.command("");
    await Promise.all([resumed(neighbour), resumed(suspect)]);
    expect(engines.engines.map(({ isolated }) => isolated)).toEqual([false, true]);
    using _later = ahead(61_000);
    expect(engines.engines.map(({ isolated }) => isolated)).toEqual([false, false]);
    await running(engines, new RecordingStream("next", ""));
    expect(engines.engines.map(({ streams }) => streams)).toEqual([2, 1]);
    engines.stop(suspect);
    await waitFor("its engine to go", () => engines.engines.length === 1);
    expect([neighbour.interruptions, suspect.interruptions]).toEqual([1, 1]);
  });

  test("a stream that is suspected again is watched for longer", async () => {
    const engines = scheduler();
    const only = await running(engines, new RecordingStream("only", ""));
    const fail = async () => {
      const { interruptions } = only;
      engines.update(only.command("exit"));
      only.command("");
      await waitFor("it is resumed", () => only.interruptions > interruptions);
      await waitFor("its engine", () => engines.engines[0]?.state === "ready");
    };
    await fail();
    using _minute = ahead(61_000);
    expect(engines.engines[0]?.isolated).toBe(false);
    await fail();
    using _twoMinutes = ahead(61_000);
    expect(engines.engines[0]?.isolated).toBe(true);
  });

  test("with all places taken the one that has done well for longest gives way to a new suspect", async () => {
    const engines = scheduler();
    const neighbour = await running(engines, new RecordingStream("neighbour", ""));
    for (const id of ["a", "b", "c"]) {
      const innocent = await running(engines, new RecordingStream(id, ""));
      const before = neighbour.interruptions;
      engines.update(innocent.command("exit"));
      innocent.command("");
      await waitFor("a death", () => neighbour.interruptions > before);
      await resumed(innocent);
      await engines.ready(5000);
    }
    expect(engines.engines.filter(({ isolated }) => isolated)).toHaveLength(3);
    const culprit = await running(engines, new RecordingStream("culprit", ""));
    engines.update(culprit.command("exit"));
    await waitFor("the end", () => culprit.has("ended"));
    expect(culprit.error?.kind).toBe("model_failed");
    expect(engines.engines.map(({ isolated, streams }) => [isolated, streams])).toContainEqual([
      false,
      1,
    ]);
  });
});

describe("a device without room", () => {
  test("streams whose engine cannot start move to one that runs, and the server goes on", async () => {
    const folder = await mkdtemp(join(tmpdir(), "engines-"));
    try {
      const engines = scheduler({ engine: `room for one in ${folder}` });
      const neighbour = await running(engines, new RecordingStream("neighbour", ""));
      const suspect = await running(engines, new RecordingStream("suspect", ""));
      engines.update(suspect.command("exit"));
      suspect.command("");
      await Promise.all([resumed(neighbour), resumed(suspect)]);
      const busy = engines.engines.filter(({ streams }) => streams > 0);
      expect(busy).toMatchObject([{ state: "ready", streams: 2, isolated: false }]);
      expect(engines.engines.some(({ state }) => state === "unfit")).toBe(false);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("hangs", () => {
  test("an engine that answers no ping is killed, and its streams are resumed", async () => {
    const engines = scheduler();
    const stream = await running(engines, new RecordingStream("a", ""));
    engines.update(stream.command("hang"));
    stream.command("");
    await resumed(stream);
    expect(stream.interruptions).toBe(1);
  });

  test("a call past its deadline ends the engine although its main thread answers, and names the stream", async () => {
    const engines = scheduler();
    const neighbour = await running(engines, new RecordingStream("neighbour", ""));
    const culprit = await running(engines, new RecordingStream("culprit", ""));
    const began = performance.now();
    engines.update(culprit.command("hang in a thread"));
    await waitFor("the first death", () => culprit.interruptions === 1);
    expect(performance.now() - began).toBeLessThan(5000);
    await waitFor("the end", () => culprit.has("ended"));
    expect(culprit.error).toEqual({
      kind: "model_failed",
      message:
        "its engine died 2 times while it ran alone: running a model did not finish within 0.2 s",
    });
    expect(neighbour.interruptions).toBe(1);
    expect([culprit.hungRuns, neighbour.hungRuns]).toEqual([3, 0]);
  });

  test("a trial of the device that never returns is ended", async () => {
    const engines = scheduler({ engine: "stuck in probe" });
    await waitFor("a restart", () => (engines.engines[0]?.restarts ?? 0) > 0, 8000);
  });

  test("an engine that hangs before its first message is replaced within seconds", async () => {
    const engines = scheduler({ engine: "stuck" });
    await waitFor("a restart", () => (engines.engines[0]?.restarts ?? 0) > 0, 9000);
  });

  test("a stream that its engine does not let go ends all the same, and nobody else notices", async () => {
    const engines = scheduler();
    const other = await running(engines, new RecordingStream("other", ""));
    const stubborn = await running(engines, new RecordingStream("stubborn", "ignore stops"));
    engines.stop(stubborn);
    await waitFor("the end", () => stubborn.has("ended"));
    expect(stubborn.error).toBeNull();
    expect(other.interruptions).toBe(0);
    expect(engines.engines).toMatchObject([{ restarts: 0, streams: 1 }]);
  });
});

test("a late report of work that was given up does not reach a stream with the same id", async () => {
  const engines = scheduler();
  const stubborn = await running(engines, new RecordingStream("same", "ignore stops"));
  engines.stop(stubborn);
  await waitFor("the end", () => stubborn.has("ended"));
  const next = await running(engines, new RecordingStream("same", ""));
  expect(next.has("ended")).toBe(false);
  expect(stubborn.reports.filter((type) => type === "ended")).toHaveLength(1);
});

describe("boot", () => {
  test("engines that cannot start come back ever more slowly, and the state is broken", async () => {
    const engines = scheduler({ engine: "dies" });
    const begun = performance.now();
    await waitFor("five restarts", () => (engines.engines[0]?.restarts ?? 0) >= 5);
    expect(performance.now() - begun).toBeGreaterThan(100 + 200 + 400 + 800);
    expect(engines.state).toBe("broken");
    await expect(engines.ready(50)).rejects.toMatchObject({ kind: "engine_unavailable" });
  });

  test("an engine that dies now and then does not make the state broken", async () => {
    const engines = scheduler();
    using clock = new DisposableStack();
    for (let n = 1; n <= 6; n++) {
      await engines.ready(5000);
      clock.use(ahead(31_000)); // it has lived long
      process.kill(engines.engines[0]?.pid ?? 0, "SIGKILL");
      await waitFor("its death", () => engines.engines[0]?.restarts === n);
      expect(engines.state).toBe("ready");
    }
  });

  test("an engine that does not list its models is not waited for", async () => {
    const engines = scheduler();
    await running(engines, new RecordingStream("hung", "hang"));
    const asked = performance.now();
    expect((await engines.models.fresh()).map(({ name }) => name)).toContain("edges");
    expect(performance.now() - asked).toBeLessThan(2500); // at 3 s the engine counts as hung
  });

  test("an asked-for device that is missing is reported and not tried again", async () => {
    const engines = scheduler({ devices: ["cuda:0"] });
    expect(await engines.unfit).toEqual({
      kind: "device_unavailable",
      message: "cuda:0 is not there",
    });
    expect(engines.engines).toMatchObject([{ state: "unfit", restarts: 0 }]);
  });

  test("a found device that is of no use gives way to the CPU", async () => {
    const engines = scheduler({ devices: ["cuda:0"], fallback: "cpu" });
    await engines.ready(5000);
    expect(engines.engines.map(({ device, state }) => [device, state])).toEqual([
      ["cuda:0", "unfit"],
      ["cpu", "ready"],
    ]);
  });
});

describe("close", () => {
  test("leaves no process, also of engines that hang", async () => {
    const engines = scheduler({ engines: 2 });
    await waitFor("both engines", () => engines.engines.every(({ state }) => state === "ready"));
    const pids = engines.engines.flatMap(({ pid }) => pid ?? []);
    expect(pids).toHaveLength(2);
    const stream = await running(engines, new RecordingStream("a", ""));
    engines.update(stream.command("hang"));
    await engines.close(AbortSignal.timeout(300));
    expect(stream.has("ended")).toBe(true);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
  });
});
