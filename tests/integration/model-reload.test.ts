/** Model folders that change under a running stream, with real ONNX files in real inference threads. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { AV_PIX_FMT_YUV420P, Frame, quietLibav } from "../../src/engine/codec/libav.ts";
import { FramePool, type Tick, type VideoFrame } from "../../src/engine/codec/video-frame.ts";
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import { InferStage } from "../../src/engine/plan/infer-stage.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { ModelInfo } from "../../src/engine/protocol/models.ts";
import { ticks } from "../../src/media/time.ts";
import { StageGroup } from "../../src/streams/stage.ts";
import { PARAMS } from "../support/clip-pipeline.ts";
import { OnnxWorkspace, rejection, simpleModel } from "../support/onnx-workspace.ts";
import { RecordingObserver } from "../support/recording-observer.ts";
import { MAIN, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);
quietLibav();

const FAST = { watchMs: 30, retireIdleMs: 100 };
const DARK = 60;
const BRIGHT = 200;
const INPUT_LUMA = 120;

/** A model that paints every pixel in this grey. */
const painter = (grey: number): Uint8Array =>
  simpleModel("uint8", [1, 3, "H", "W"], (graph, x) => {
    const shape = graph.node("Shape", [x]);
    const value = graph.constant("uint8", [1], [grey]);
    return graph.node("Expand", [value, shape]);
  });

/** Well-formed, but ONNX Runtime has no such operator. */
const unloadable = simpleModel("uint8", [1, 3, "H", "W"], (graph, x) =>
  graph.node("NoSuchOperator", [x]),
);

/** Greys are compared by luma: 0 to 255 becomes 16 to 235. */
const lumaOf = (grey: number): number => Math.round(16 + (grey * 219) / 255);

/** One stream through the infer stage: a frame at a time, and the luma that came out. */
class Stream {
  readonly observer = new RecordingObserver();
  readonly pool = new FramePool();
  readonly #stages = new StageGroup();
  readonly #stage: InferStage;
  readonly #writer: WritableStreamDefaultWriter<Tick | VideoFrame>;
  readonly #frames: AsyncIterator<VideoFrame>;
  #pts = 0;

  constructor(host: ModelHost) {
    const params = { ...PARAMS, model: "paint" };
    const { pool, observer } = this;
    const deadlineOf = () => Number.POSITIVE_INFINITY;
    const input = { key: "s", hasInput: true, params: () => params, deadlineOf };
    this.#stage = new InferStage({
      workspace: "/nonexistent",
      calls: UNRECORDED_CALLS,
      host,
      pool,
      observer,
      ...input,
    });
    const { readable, writable } = this.#stages.add(this.#stage, 1);
    this.#writer = writable.getWriter();
    this.#frames = readable[Symbol.asyncIterator]();
  }

  async next(): Promise<number> {
    const native = new Frame();
    native.alloc();
    Object.assign(native, { width: 64, height: 64, format: AV_PIX_FMT_YUV420P });
    native.getBuffer();
    for (const plane of native.data ?? []) plane?.fill(INPUT_LUMA);
    this.#pts += 3000;
    const time = { pts: ticks(this.#pts), arrivedAt: performance.now() };
    await this.#stage.ready();
    await this.#writer.write(this.pool.adopt(native, time));
    const { value, done } = await this.#frames.next();
    if (done) throw new Error("the stage has ended");
    using frame: VideoFrame = value;
    return frame.native.data?.[0]?.[0] ?? Number.NaN;
  }

  /** Sends frames until the condition holds, and gives all the lumas that came out. */
  async until(what: string, condition: (luma: number) => boolean): Promise<Set<number>> {
    const seen = new Set<number>();
    await waitFor(what, async () => {
      const luma = await this.next();
      seen.add(luma);
      return condition(luma);
    });
    return seen;
  }

  async end(): Promise<void> {
    await this.#writer.close();
    await this.#stages.settled();
    expect(this.pool.live).toBe(0);
  }
}

async function setUp(times = FAST) {
  const workspace = await OnnxWorkspace.create();
  await workspace.add("paint", {}, painter(DARK));
  const changes: ModelInfo[] = [];
  const host = await workspace.host(changes, times);
  const stream = new Stream(host);
  await stream.until("the model to draw", (luma) => luma === lumaOf(DARK));
  const file = join(workspace.path, "models/paint/model.onnx");
  return {
    workspace,
    changes,
    host,
    stream,
    file,
    /** As careful tools write: beside it, then over it. */
    replace: async (bytes: Uint8Array) => {
      await Bun.write(`${file}.tmp`, bytes);
      await rename(`${file}.tmp`, file);
    },
    [Symbol.asyncDispose]: async () => {
      await stream.end();
      await host[Symbol.asyncDispose]();
      await workspace[Symbol.asyncDispose]();
    },
  };
}

const messages = ({ observer }: Stream): string[] =>
  observer.troubles.map(({ message }) => message);

test("a file that is replaced takes over between two frames, and the old thread ends", async () => {
  await using run = await setUp();
  const old = await run.host.acquire("paint");
  expect(run.stream.observer.programs).toBe(1);
  const changesBefore = run.changes.length;
  await run.replace(painter(BRIGHT));
  const seen = await run.stream.until("the new version", (luma) => luma === lumaOf(BRIGHT));
  // No frame of the input passed untouched meanwhile.
  expect([...seen].sort((a, b) => a - b)).toEqual([lumaOf(DARK), lumaOf(BRIGHT)]);
  expect(messages(run.stream)).toEqual([]);
  expect(old.isOutdated()).toBe(true);
  await waitFor("the old version to be released", () => old.isLost());
  expect(await run.stream.next()).toBe(lumaOf(BRIGHT));
  expect(run.stream.observer.programs).toBe(2);
  const states = run.changes.slice(changesBefore).map(({ state }) => state);
  expect(new Set(states)).toEqual(new Set(["ready"]));
});

test.each([
  ["is a web page", new TextEncoder().encode("<html>"), "model.onnx is a web page"],
  ["is damaged", new Uint8Array(90).fill(255), "is not an ONNX file"],
  ["is cut short", painter(BRIGHT).subarray(0, 90), "cut short"],
  ["ONNX Runtime refuses", unloadable, "NoSuchOperator"],
])(
  "with a new file that %s the loaded version continues, and the stream says why",
  async (_, bytes, problem) => {
    await using run = await setUp();
    await run.replace(bytes);
    const { stream } = run;
    const seen = await stream.until("the report", () => messages(stream).length > 0);
    expect(seen).toEqual(new Set([lumaOf(DARK)]));
    const [message = ""] = messages(stream);
    expect(message).toStartWith("model paint changed on disk and cannot be loaded: ");
    expect(message).toEndWith("; the loaded version continues");
    expect(message).toContain(problem);
    expect(await rejection(run.host.check("paint"))).toMatchObject({ kind: "model_failed" });
    expect((await run.host.acquire("paint")).isLost()).toBe(false);

    await run.replace(painter(BRIGHT));
    await stream.until("the mended version", (luma) => luma === lumaOf(BRIGHT));
    expect(messages(stream)).toHaveLength(1);
    expect(stream.observer.recovered).toEqual(["model load"]);
  },
);

test("a folder that is removed leaves its streams the loaded version", async () => {
  await using run = await setUp();
  const { stream } = run;
  await rm(join(run.workspace.path, "models/paint"), { recursive: true });
  const seen = await stream.until("the report", () => messages(stream).length > 0);
  expect(seen).toEqual(new Set([lumaOf(DARK)]));
  expect(messages(stream)[0]).toContain(
    "was removed from the workspace; the loaded version continues",
  );
  await run.workspace.add("paint", {}, painter(BRIGHT));
  await stream.until("the model that came back", (luma) => luma === lumaOf(BRIGHT));
});

test("a file that is still being written is waited for, without a report", async () => {
  // Far longer than there is between two writes.
  await using run = await setUp({ ...FAST, watchMs: 400 });
  const { stream, file } = run;
  const bytes = painter(BRIGHT);
  const sink = Bun.file(file).writer();
  for (let at = 0; at < bytes.length; at += 20) {
    sink.write(bytes.subarray(at, at + 20));
    await sink.flush();
    await stream.next();
  }
  await sink.end();
  await stream.until("the whole file", (luma) => luma === lumaOf(BRIGHT));
  expect(messages(stream)).toEqual([]);
});

test("who asks for a model after its files have changed gets the new version at once", async () => {
  await using workspace = await OnnxWorkspace.create();
  await workspace.add("paint", {}, painter(DARK));
  // This watch never looks by itself.
  await using host = await workspace.host([], { watchMs: 2 ** 30, retireIdleMs: 0 });
  const old = await host.acquire("paint");
  expect(await host.acquire("paint")).toBe(old);
  await workspace.add("paint", { description: "brighter" }, painter(BRIGHT));
  const [one, two] = await Promise.all([host.acquire("paint"), host.acquire("paint")]);
  expect(one.definition.description).toBe("brighter");
  expect(two).toBe(one);
  expect([old.isOutdated(), old.isLost()]).toEqual([true, false]);
});

test("a model that could not be loaded is loaded once its files are repaired", async () => {
  await using workspace = await OnnxWorkspace.create();
  await workspace.add("paint", {}, unloadable);
  await using host = await workspace.host([], FAST);
  const stream = new Stream(host);
  await stream.until("the report", () => messages(stream).length > 0);
  expect(messages(stream)[0]).toContain("NoSuchOperator");
  await workspace.add("paint", {}, painter(BRIGHT));
  await stream.until("the repaired model", (luma) => luma === lumaOf(BRIGHT));
  expect(messages(stream)).toHaveLength(1);
  expect(stream.observer.recovered).toEqual(["model load"]);
  await stream.end();
});

test("a description that changes is read as well: parameters come and go", async () => {
  await using run = await setUp();
  await run.workspace.add("paint", { description: "grey" });
  await waitFor("the new description", () => run.changes.at(-1)?.description === "grey");
  expect(await run.stream.next()).toBe(lumaOf(DARK));
});

test("a stream's status reports that its changed model cannot be loaded, also after its engine died", async () => {
  await using workspace = await OnnxWorkspace.create();
  await workspace.add("paint", {}, painter(DARK));
  const file = join(workspace.path, "models/paint/model.onnx");
  await using server = await startServer(MAIN, ["--device", "cpu", "--workspace", workspace.path]);
  const ask = async (path: string, body?: unknown) => {
    const init = { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(`${server.url}${path}`, body === undefined ? {} : init);
    // biome-ignore lint/suspicious/noExplicitAny: the test looks into the answer freely
    return (await response.json()) as any;
  };
  const started = await ask("/stream/start", {
    stream_url: `${server.url}/trickle/reload`,
    model: "paint",
    prompts: [{ prompt: "x" }],
    width: 64,
    height: 64,
  });
  const status = async () => (await ask(`/stream/${started.manifest_id}/status`)).stream;
  await waitFor("the model to draw", async () => {
    const { stats } = await status();
    return stats.frames_out > 10 && stats.execution_provider === "CPUExecutionProvider";
  });
  await Bun.write(file, "<html>");
  await waitFor("the report", async () => (await status()).error !== undefined);
  expect(await status()).toMatchObject({
    status: "active",
    error: expect.stringMatching(/^model paint changed on disk and cannot be loaded: .*continues$/),
  });
  const models = (await ask("/models")).models as ModelInfo[];
  expect(models.find(({ name }) => name === "paint")?.state).toBe("failed");
  await expectRefused(server.url, started.manifest_id);
  const [engine] = (await ask("/health")).engines;
  process.kill(engine.pid, "SIGKILL");
  await waitFor("frames of the next engine, which has no model", async () => {
    const { error, stats } = await status();
    return stats.restarts === 1 && /^model paint cannot be used/.test(error ?? "");
  });
  expect((await status()).status).toBe("active");
  await Bun.write(file, painter(BRIGHT));
  await waitFor("the recovery", async () => {
    const { error, stats } = await status();
    return error === undefined && stats.execution_provider === "CPUExecutionProvider";
  });
});

/** Every way to ask for the model is a 400 with the reason, and the stream that asked keeps what it has. */
async function expectRefused(url: string, running: string): Promise<void> {
  const post = async (path: string, body: object, id = "") => {
    const headers = id === "" ? {} : { "X-Stream-Id": id };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    const response = await fetch(`${url}${path}`, init);
    // biome-ignore lint/suspicious/noExplicitAny: the test looks into the answer freely
    return { status: response.status, answer: (await response.json()) as any };
  };
  const channel = { stream_url: `${url}/trickle/other` };
  const other = await post("/stream/start", {
    ...channel,
    model: "identity",
    width: 64,
    height: 64,
  });
  const id: string = other.answer.manifest_id;
  const given = { publish_url: `${url}/trickle/third-out`, params: { model: "paint" } };
  const answers = [
    await post(`/stream/${id}/params`, { model: "paint" }),
    await post("/stream/start", { stream_url: `${url}/trickle/second`, model: "paint" }),
    await post("/stream/start", given, "third"),
  ];
  for (const { status, answer } of answers) {
    expect(status).toBe(400);
    expect(answer).toMatchObject({ code: "invalid_request", details: [{ field: "model" }] });
    expect(answer.message).toStartWith(
      "model: model paint cannot be used: model.onnx is a web page",
    );
  }
  // The stream that runs the version before is not asked to leave it.
  expect((await post(`/stream/${running}/params`, { model: "paint", fps: 20 })).status).toBe(200);
  const { stream } = (await (await fetch(`${url}/stream/${id}/status`)).json()) as {
    stream: { params: { model: string } };
  };
  expect(stream.params.model).toBe("identity");
  await fetch(`${url}/stream/${id}`, { method: "DELETE" });
}
