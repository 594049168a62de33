/** Inference threads: sharing, failing, ending. With real sessions of ONNX Runtime. */
import { expect, test } from "bun:test";
import { checkDevice, resolveDevice } from "../../src/engine/device/device-check.ts";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { ModelHost } from "../../src/engine/device/model-host.ts";
import { ProgramWorker } from "../../src/engine/device/program-worker.ts";
import { ModelCatalogue } from "../../src/engine/models/catalogue.ts";
import { CallJournal, ENGINE, JOURNAL_BYTES } from "../../src/engine/protocol/call-journal.ts";
import type { ModelInfo } from "../../src/engine/protocol/models.ts";
import { noisePicture, OnnxWorkspace, rejection, simpleModel } from "../support/onnx-workspace.ts";
import { PICKING, pickingModel } from "../support/picking-model.ts";
import { drawWith, runModel } from "../support/run-model.ts";
import { SPINNING, spinningModel } from "../support/spinning-model.ts";
import { waitFor } from "../support/wait-for.ts";

const NCHW = [1, 3, "H", "W"] as const;

test("callers who ask at once share one load, and the states are told in order", async () => {
  await using workspace = await OnnxWorkspace.create();
  const changes: ModelInfo[] = [];
  await using host = await workspace.host(changes);
  expect(host.infos().every(({ state }) => state === "cold")).toBe(true);
  const [one, two] = await Promise.all([host.acquire("identity"), host.acquire("identity")]);
  expect(two).toBe(one);
  expect(changes.map(({ name, state }) => `${name} ${state}`)).toEqual([
    "identity warming",
    "identity ready",
  ]);
  expect(changes[1]?.execution_provider).toBe("CPUExecutionProvider");
  expect(changes[1]?.device).toBe("cpu");
});

test("a load under way tells when it began, one that is over tells nothing", async () => {
  await using workspace = await OnnxWorkspace.create();
  const unknown = simpleModel("float32", NCHW, (graph, x) => graph.node("NoSuchOperator", [x]));
  await workspace.add("odd", {}, unknown);
  await using host = await workspace.host();
  expect(host.loading("edges")).toBeNull();
  const since = performance.now();
  const [loaded, failed] = [host.acquire("edges"), host.acquire("odd").catch(() => null)];
  await waitFor("the load", () => host.loading("edges") !== null);
  const progress = host.loading("edges");
  expect(progress?.since).toBeGreaterThanOrEqual(since);
  expect(progress?.expectedMs).toBeNull();
  await Promise.all([loaded, failed]);
  expect([host.loading("edges"), host.loading("odd")]).toEqual([null, null]);
});

test("a run takes the picture's memory away and gives new memory", async () => {
  await using workspace = await OnnxWorkspace.create();
  await using host = await workspace.host();
  const model = await host.acquire("identity");
  const picture = noisePicture(64, 48);
  const expected = picture.data.slice();
  const result = await runModel(model, { picture });
  expect(picture.data.byteLength).toBe(0);
  expect(result.picture?.data).toEqual(expected);
  expect(result.inferenceMs).toBeGreaterThan(0);
});

test("a run that fails says why, and the model lives on", async () => {
  await using workspace = await OnnxWorkspace.create();
  await workspace.add("pick", PICKING, pickingModel());
  await using host = await workspace.host();
  const model = await host.acquire("pick");
  const failed = runModel(model, { picture: noisePicture(64, 48), params: { index: 7 } });
  expect((await rejection(failed)).message).toContain("the run failed: ");
  const picture = await drawWith(model, { picture: noisePicture(64, 48), params: { index: 2 } });
  expect(picture.width).toBe(64);
  expect((await rejection(runModel(model))).message).toContain("needs a picture");
});

test("a load that fails is remembered until the files change", async () => {
  await using workspace = await OnnxWorkspace.create();
  const unknown = simpleModel("float32", NCHW, (graph, x) => graph.node("NoSuchOperator", [x]));
  await workspace.add("odd", {}, unknown);
  const changes: ModelInfo[] = [];
  await using host = await workspace.host(changes);
  expect((await rejection(host.acquire("odd"))).message).toContain("NoSuchOperator");
  expect((await rejection(host.acquire("odd"))).message).toContain("NoSuchOperator");
  expect(changes.map(({ state }) => state)).toEqual(["warming", "failed"]);
  expect(host.infos().find(({ name }) => name === "odd")?.error).toContain("NoSuchOperator");

  const mended = simpleModel("float32", NCHW, (graph, x) => graph.node("Abs", [x]));
  await workspace.add("odd", {}, mended);
  expect(await host.acquire("odd")).toBeDefined();
  expect(changes.at(-1)?.state).toBe("ready");
});

test("operator sets too old to extend are refused in words", async () => {
  await using workspace = await OnnxWorkspace.create();
  const old = simpleModel("float32", NCHW, (graph, x) => graph.node("Abs", [x]), 7);
  await workspace.add("old", {}, old);
  await using host = await workspace.host();
  expect((await rejection(host.acquire("old"))).message).toContain(
    "operator set 7; 8 or newer is needed",
  );
});

test("whoever gives up waiting for a load leaves it to the others", async () => {
  await using workspace = await OnnxWorkspace.create();
  await using host = await workspace.host();
  const stop = new AbortController();
  const patient = host.acquire("edges");
  const hasty = host.acquire("edges", stop.signal);
  stop.abort(new Error("viewer left"));
  expect((await rejection(hasty)).message).toContain("viewer left");
  expect((await patient).definition.name).toBe("edges");
});

test("a load that its callers have left is recorded until it ends, so that one that hangs is noticed", async () => {
  await using workspace = await OnnxWorkspace.create();
  const journal = new CallJournal(new Uint8Array(JOURNAL_BYTES));
  await using host = new ModelHost({
    catalogue: await ModelCatalogue.open(workspace.path),
    device: "cpu",
    onChange: () => {},
    calls: { begin: (kind, allowedMs) => journal.begin(ENGINE, kind, allowedMs) },
  });
  const stop = new AbortController();
  const waiting = host.acquire("edges", stop.signal);
  await waitFor("the load", () => host.loading("edges") !== null);
  stop.abort(new Error("viewer left"));
  await rejection(waiting);
  const [load, ...others] = journal.inFlight();
  expect(others).toEqual([]);
  expect(load?.kind).toBe("load");
  expect(load?.allowedMs).toBeGreaterThan(host.loadDeadlineMs);
  await waitFor("its end", () => host.loading("edges") === null);
  expect(journal.inFlight()).toEqual([]);
});

test("two models run while a third loads, each in its own thread", async () => {
  await using workspace = await OnnxWorkspace.create();
  await using host = await workspace.host();
  const [edges, identity] = await Promise.all([host.acquire("edges"), host.acquire("identity")]);
  const loading = host.acquire("test-card");
  const runs = await Promise.all([
    drawWith(edges, { picture: noisePicture(320, 240) }),
    drawWith(identity, { picture: noisePicture(160, 120) }),
  ]);
  expect(runs.map(({ width }) => width)).toEqual([320, 160]);
  await loading;
});

test("closing in the midst of loads and runs lets them settle, and later calls are refused", async () => {
  await using workspace = await OnnxWorkspace.create();
  const host = await workspace.host();
  const model = await host.acquire("edges");
  const runs = [1, 2, 3].map(() => runModel(model, { picture: noisePicture(640, 480) }));
  const load = host.acquire("identity");
  await new Promise((resolve) => setImmediate(resolve)); // the first run is with its thread now
  const settled = Promise.allSettled([...runs, load]);
  await host[Symbol.asyncDispose]();
  const [first] = await settled;
  expect(first?.status).toBe("fulfilled");
  expect(await rejection(runModel(model, { picture: noisePicture(8, 8) }))).toMatchObject({
    kind: "engine_unavailable",
  });
  expect(await rejection(host.acquire("identity"))).toMatchObject({ kind: "engine_unavailable" });
});

test("closing does not wait for a run that hangs", async () => {
  await using workspace = await OnnxWorkspace.create();
  await workspace.add("spinning", SPINNING, spinningModel());
  const host = await workspace.host();
  const model = await host.acquire("spinning");
  const run = (spins: number) =>
    runModel(model, { picture: noisePicture(64, 64), params: { spins } });
  const { inferenceMs } = await run(100_000);
  const hanging = run((100_000 / inferenceMs) * 8000);
  await waitFor("the run to count as hung", () => model.isLost());
  const begun = performance.now();
  await host[Symbol.asyncDispose]();
  expect(performance.now() - begun).toBeLessThan(4000);
  await hanging; // the process may not end during a run
});

test("a process that disposes its host ends by itself", async () => {
  await using workspace = await OnnxWorkspace.create();
  const source = (path: string): string => JSON.stringify(new URL(path, import.meta.url).pathname);
  const script = `
    import { ModelCatalogue } from ${source("../../src/engine/models/catalogue.ts")};
    import { ModelHost } from ${source("../../src/engine/device/model-host.ts")};
    import { runModel } from ${source("../support/run-model.ts")};
    const catalogue = await ModelCatalogue.open(${JSON.stringify(workspace.path)});
    const host = new ModelHost({ catalogue, device: "cpu", onChange: () => {} });
    await runModel(await host.acquire("test-card"));
    await host[Symbol.asyncDispose]();
    process.stdout.write("disposed");`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "pipe" });
  expect(await child.exited).toBe(0);
  expect(await child.stdout.text()).toBe("disposed");
});

test("every call settles when the thread is gone, and when what it is sent cannot be cloned", async () => {
  const worker = new ProgramWorker();
  const { settings } = parseDevice("cpu");
  expect(await worker.call("probe", { settings })).toBeNull();
  const uncloneable = { settings: { ...settings, extra: (() => {}) as never } };
  expect((await rejection(worker.call("probe", uncloneable))).message).toContain(
    'cannot take "probe"',
  );
  const late = worker.call("probe", { settings });
  await worker[Symbol.asyncDispose]();
  expect(await late).toBeNull();
  expect((await rejection(worker.call("backends", null))).message).toBe(
    "the inference thread ended",
  );
});

async function withWorker<T>(use: (worker: ProgramWorker) => Promise<T>): Promise<T> {
  await using worker = new ProgramWorker();
  return await use(worker);
}

const check = (name: string) => withWorker((worker) => checkDevice(name, worker));

test("the CPU is proven by use; what is asked for and absent is an error with the way out", async () => {
  expect((await check("cpu")).executionProvider).toBe("CPUExecutionProvider");
  expect(await rejection(check("gpu"))).toMatchObject({ kind: "device_unavailable" });
});

const cuda = await check("cuda").catch(() => null);

test.skipIf(cuda !== null)(
  "without an NVIDIA GPU, cuda is refused and auto is the CPU",
  async () => {
    expect(`${await rejection(check("cuda"))}`).not.toContain("built with .");
    for (const name of ["cuda", "tensorrt:0"]) {
      expect(await rejection(check(name))).toMatchObject({
        kind: "device_unavailable",
        message: expect.stringContaining("choose another device, e.g. --device cpu"),
      });
    }
    expect((await withWorker((worker) => resolveDevice("auto", worker))).name).toBe("cpu");
    await using workspace = await OnnxWorkspace.create();
    const catalogue = await ModelCatalogue.open(workspace.path);
    const { ModelHost } = await import("../../src/engine/device/model-host.ts");
    await using host = new ModelHost({ catalogue, device: "cuda:0", onChange: () => {} });
    expect((await rejection(host.acquire("identity"))).message).toContain(
      "model identity cannot be loaded",
    );
  },
);

test("aborting while another frame runs ends the waiting at once", async () => {
  await using workspace = await OnnxWorkspace.create();
  await using host = await workspace.host();
  const model = await host.acquire("edges");
  const stop = new AbortController();
  const running = drawWith(model, { picture: noisePicture(640, 480) });
  const waiting = runModel(model, { picture: noisePicture(640, 480), signal: stop.signal });
  stop.abort(new Error("stream stopped"));
  expect((await rejection(waiting)).message).toContain("stream stopped");
  expect((await running).width).toBe(640);
});
