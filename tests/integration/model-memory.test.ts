/** Models that are unloaded to make room for others, in real inference threads. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { AV_PIX_FMT_YUV420P, Frame, quietLibav } from "../../src/engine/codec/libav.ts";
import { FramePool } from "../../src/engine/codec/video-frame.ts";
import { ModelHost } from "../../src/engine/device/model-host.ts";
import { ModelCatalogue } from "../../src/engine/models/catalogue.ts";
import { InferStage } from "../../src/engine/plan/infer-stage.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import { ticks } from "../../src/media/time.ts";
import { StageGroup } from "../../src/streams/stage.ts";
import { PARAMS } from "../support/clip-pipeline.ts";
import { OnnxWorkspace, simpleModel } from "../support/onnx-workspace.ts";
import { RecordingObserver } from "../support/recording-observer.ts";

setDefaultTimeout(30_000);
quietLibav();

/** A model is in use for this long after its last use (src/engine/device/model-memory.ts). */
const IN_USE_MS = 2000;
/** Less than one model takes, whatever its file. */
const LIMIT = 1024 * 1024;

const same = simpleModel("uint8", [1, 3, "H", "W"], (graph, x) => graph.node("Identity", [x]));

async function setUp() {
  const workspace = await OnnxWorkspace.create();
  // It runs for the first frame, and never again as long as the picture stays as it is.
  await workspace.add("still", { run: { skip_unchanged: true } }, same);
  await workspace.add("idle", {}, same);
  await workspace.add("other", {}, same);
  const catalogue = await ModelCatalogue.open(workspace.path);
  const host = new ModelHost({ catalogue, device: "cpu", onChange() {}, memoryLimit: LIMIT });
  return {
    host,
    [Symbol.asyncDispose]: async () => {
      await host[Symbol.asyncDispose]();
      await workspace[Symbol.asyncDispose]();
    },
  };
}

/** Sends frames that are all alike through a stream for a time. */
async function play(stream: { host: ModelHost; params: StreamParams }, milliseconds: number) {
  const { host, params } = stream;
  const pool = new FramePool();
  const stages = new StageGroup();
  const stage = new InferStage({
    workspace: "/nonexistent",
    calls: UNRECORDED_CALLS,
    host,
    pool,
    observer: new RecordingObserver(),
    key: "s",
    hasInput: true,
    params: () => params,
    deadlineOf: () => Number.POSITIVE_INFINITY,
  });
  const { readable, writable } = stages.add(stage, 1);
  const [writer, frames] = [writable.getWriter(), readable[Symbol.asyncIterator]()];
  const ends = performance.now() + milliseconds;
  for (let pts = 0; performance.now() < ends; pts += 3000) {
    const native = new Frame();
    native.alloc();
    Object.assign(native, { width: 64, height: 64, format: AV_PIX_FMT_YUV420P });
    native.getBuffer();
    for (const plane of native.data ?? []) plane?.fill(120);
    await stage.ready();
    await writer.write(pool.adopt(native, { pts: ticks(pts), arrivedAt: performance.now() }));
    const { value } = await frames.next();
    value?.[Symbol.dispose]();
  }
  return async () => {
    await writer.close();
    await stages.settled();
  };
}

test("a model whose stream shows its last picture is not unloaded, unlike one that no stream uses", async () => {
  await using run = await setUp();
  const { host } = run;
  const used = await host.acquire("still");
  const idle = await host.acquire("idle");
  const end = await play({ host, params: { ...PARAMS, model: "still" } }, IN_USE_MS + 200);
  await host.acquire("other");
  expect([used.isLost(), idle.isLost()]).toEqual([false, true]);
  await end();
});
