/** The work of one stream in this process, where its timers can be counted. */
import { heapStats } from "bun:jsc";
import { expect, setDefaultTimeout, test } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { EngineMeter } from "../../src/engine/metrics/engine-meter.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { WorkReport } from "../../src/engine/protocol/messages.ts";
import type { StreamParams, StreamSpec } from "../../src/engine/protocol/work.ts";
import { StreamWork } from "../../src/engine/work/stream-work.ts";
import { openRequests } from "../../src/trickle/client/request.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { faultyPeer } from "../support/trickle-faults.ts";
import { hostTrickle } from "../support/trickle-host.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);
quietLibav();

const PARAMS: StreamParams = {
  prompts: [],
  model: "test-card",
  size: { width: 128, height: 96 },
  fps: 30,
  fit: "cover",
  paused: false,
  model_params: {},
};

const timers = (): number => {
  Bun.gc(true);
  return heapStats().objectTypeCounts["Timeout"] ?? 0;
};

/** A session without input, as its engine would run it; `changes` may need the channels' addresses. */
async function session(
  changes: Partial<StreamSpec> | ((url: (channel: string) => string) => Partial<StreamSpec>) = {},
  params: Partial<StreamParams> = {},
  interim?: StreamParams,
) {
  const trickle = hostTrickle();
  const changed = typeof changes === "function" ? changes(trickle.url) : changes;
  const workspace = await OnnxWorkspace.create();
  const host = await workspace.host();
  const sent: WorkReport[] = [];
  const make = () =>
    new StreamWork({
      calls: UNRECORDED_CALLS,
      meter: new EngineMeter(),
      id: "s",
      revision: 0,
      ...(interim && { interim }),
      spec: {
        output: { endpoint: { url: trickle.url("out") }, lifecycle: "owned" },
        container: "fmp4",
        segment_seconds: 1,
        audio: "auto",
        ...changed,
      },
      params: { ...PARAMS, ...params },
      host,
      engine: { device: "cpu", workspace: "/nonexistent", frame_queue: 1, max_frame_age_ms: 500 },
      send: (message) => void sent.push(message),
    });
  const close = async (): Promise<void> => {
    await host[Symbol.asyncDispose]();
    await trickle[Symbol.asyncDispose]();
    await workspace[Symbol.asyncDispose]();
  };
  return { make, sent, trickle, workspace, close };
}

const typesOf = (sent: readonly WorkReport[]): string[] => sent.map(({ type }) => type);

test("a session that ended holds no timer, frame, request or channel", async () => {
  const { make, sent, trickle, close } = await session();
  const once = async (): Promise<void> => {
    const stream = make();
    const over = stream.run();
    await waitFor("frames", () => stream.stats().frames_out > 3);
    stream.stop();
    await over;
    expect(stream.frames).toBe(0);
    expect(trickle.server.channels).toBe(0);
  };
  await once();
  const before = timers();
  for (let round = 0; round < 4; round++) await once();
  await waitFor("requests are gone", () => openRequests() === 0);
  // One more may be garbage that the collector has not let go; a leak would be one a stream.
  await waitFor("timers are gone", () => timers() <= before + 1);
  expect(sent.filter(({ type }) => type === "ended")).toEqual(
    Array(5).fill({ type: "ended", id: "s" }),
  );
  await close();
});

test("a session tells its start, its size, a checkpoint for each segment and its end", async () => {
  const { make, sent, close } = await session();
  const stream = make();
  const over = stream.run();
  await waitFor("two segments", () => stream.stats().segments_out >= 2);
  stream.stop();
  await over;
  // How long its model loads depends on the machine.
  const told = sent.filter((report) => report.type !== "showing" || report.output === "live");
  expect(typesOf(told).filter((type) => type !== "stats")).toEqual([
    "started",
    "updated",
    "showing",
    "size",
    "checkpoint",
    "checkpoint",
    "ended",
  ]);
  const checkpoints = sent.flatMap((message) =>
    message.type === "checkpoint" ? [message.checkpoint] : [],
  );
  expect(checkpoints.map(({ seq, size }) => ({ seq, size }))).toEqual([
    { seq: 0, size: { width: 128, height: 96 } },
    { seq: 1, size: { width: 128, height: 96 } },
  ]);
  await close();
});

test("a model that does not exist, or is broken, is refused before a channel is touched", async () => {
  for (const [model, kind] of [
    ["nothing", "unknown_model"],
    ["half", "invalid_request"],
  ]) {
    const { make, sent, trickle, workspace, close } = await session({}, { model: model ?? "" });
    await workspace.add("half", {}, Uint8Array.of(8, 7, 18, 255));
    await make().run();
    expect(typesOf(sent)).not.toContain("started");
    expect(sent.at(-1)).toMatchObject({
      type: "ended",
      error: { kind, details: [{ field: "model" }] },
    });
    expect(trickle.server.channels).toBe(0);
    await close();
  }
});

test("a stream that is taken over draws as its last frame was drawn, while what was asked for later cannot be used", async () => {
  const { make, sent, workspace, close } = await session({}, { model: "half" }, PARAMS);
  await workspace.add("half", {}, Uint8Array.of(8, 7, 18, 255));
  const stream = make();
  const over = stream.run();
  await waitFor("frames", () => stream.stats().frames_out > 3);
  await waitFor("the report", () => typesOf(sent).includes("refused"));
  expect(sent.find(({ type }) => type === "refused")).toMatchObject({ revision: 0 });
  expect(sent.find(({ type }) => type === "trouble")).toMatchObject({
    error: { message: expect.stringContaining("model half cannot be used") },
  });
  expect(typesOf(sent)).not.toContain("updated");
  expect(stream.stats().execution_provider).toBe("CPUExecutionProvider");
  stream.update({ params: { ...PARAMS, model: "identity" }, kept: [], revision: 1 });
  await waitFor("the change", () => typesOf(sent).includes("updated"));
  expect(sent.find(({ type }) => type === "updated")).toMatchObject({ revision: 1 });
  stream.stop();
  await over;
  await close();
});

test("a stream that is taken over goes on to what was asked for later", async () => {
  const { make, sent, close } = await session({}, { model: "identity" }, PARAMS);
  const stream = make();
  const over = stream.run();
  await waitFor("the change", () => typesOf(sent).includes("updated"));
  expect(stream.stats().model).toBe("identity");
  stream.stop();
  await over;
  await close();
});

test("an input channel that is not there is a refusal, not a stream that fails later", async () => {
  const { make, sent, close } = await session({ input: { url: "http://127.0.0.1:9/in" } });
  await make().run();
  expect(typesOf(sent)).not.toContain("started");
  const problem = "the channel at http://127.0.0.1:9 is not usable: it refused the connection";
  const details = [{ field: "input", problem }];
  expect(sent.at(-1)).toMatchObject({ type: "ended", error: { kind: "channel_refused", details } });
  await close();
});

test("an output channel that refuses is named by its field, with the beginning of what it says", async () => {
  const says = JSON.stringify({ message: "x".repeat(1000) });
  using peer = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response(says, { status: 403 }),
  });
  const { make, sent, close } = await session({
    output: { endpoint: { url: `${peer.url}out` }, lifecycle: "owned" },
  });
  await make().run();
  const last = sent.at(-1);
  expect(last).toMatchObject({
    error: { kind: "channel_refused", details: [{ field: "output" }] },
  });
  const { message = "" } = (last?.type === "ended" && last.error) || {};
  expect(message).toContain('its server answered 403: {"message":"xxx');
  expect(message.length).toBeLessThan(350);
  await close();
});

test("channels are asked at the same time and have 2 s; the one that does not answer is named", async () => {
  /** Both channels of a stream; the input answers after `inputMs`, if at all. */
  const slow = (inputMs: number | null) =>
    faultyPeer(async ({ method, path, answer }) => {
      if (!path.startsWith("/in")) return answer(200, { "Lp-Trickle-Latest": 0 });
      if (inputMs === null || method !== "GET") return;
      await Bun.sleep(inputMs);
      answer(200, path.endsWith("/next") ? { "Lp-Trickle-Latest": 0 } : { "Lp-Trickle-Closed": 1 });
    });
  const startAt = async (url: string) => {
    const run = await session({
      input: { url: `${url}/in` },
      output: { endpoint: { url: `${url}/out` }, lifecycle: "given" },
    });
    const began = performance.now();
    const over = run.make().run();
    await waitFor("an answer", () => run.sent.some(({ type }) => /started|ended/.test(type)));
    const tookMs = performance.now() - began;
    await over;
    await run.close();
    return { first: run.sent.find(({ type }) => /started|ended/.test(type)), tookMs };
  };
  await using late = await slow(1700);
  expect((await startAt(late.url)).first).toMatchObject({ type: "started" });
  await using silent = await slow(null);
  const { first, tookMs } = await startAt(silent.url);
  const details = [{ field: "input", problem: expect.stringContaining("no answer within 2 s") }];
  expect(first).toMatchObject({ type: "ended", error: { kind: "channel_refused", details } });
  expect(tookMs).toBeLessThan(3000);
});
