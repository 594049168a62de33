/** A stream whose output channel takes nothing for a while: what it reports, and what it counts. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { EngineMeter } from "../../src/engine/metrics/engine-meter.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { WorkReport } from "../../src/engine/protocol/messages.ts";
import { StreamWork } from "../../src/engine/work/stream-work.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { type Exchange, faultyPeer } from "../support/trickle-faults.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(40_000);
quietLibav();

/** A channel whose server can be made to take nothing: it neither reads bodies nor answers. */
async function channelThatStalls() {
  let stalled = false;
  const held = new Set<Exchange>();
  const store = async (exchange: Exchange) => {
    held.add(exchange);
    await exchange.text().catch(() => "");
    held.delete(exchange);
    await waitFor("the end of the stall", () => !stalled, 60_000);
    exchange.answer(200, { "Lp-Trickle-Seq": exchange.path.slice(1) });
  };
  const peer = await faultyPeer((exchange) => {
    if (exchange.path === "/next") return exchange.answer(200, { "Lp-Trickle-Latest": 0 }, "0");
    if (exchange.method === "POST" && !stalled) return store(exchange);
    if (exchange.method === "POST") return exchange.request.socket.pause() && undefined;
    if (!stalled) exchange.answer(200);
  });
  return {
    ...peer,
    stall() {
      stalled = true;
      for (const { request } of held) request.socket.pause();
    },
    resume() {
      stalled = false;
      for (const { request } of held) request.socket.resume();
    },
  };
}

test("an output that takes nothing is trouble after 5 s, its frames are dropped, and it recovers", async () => {
  await using channel = await channelThatStalls();
  await using workspace = await OnnxWorkspace.create();
  await using host = await workspace.host();
  const sent: WorkReport[] = [];
  const stream = new StreamWork({
    calls: UNRECORDED_CALLS,
    meter: new EngineMeter(),
    id: "s",
    revision: 0,
    spec: {
      output: { endpoint: { url: channel.url }, lifecycle: "given" },
      container: "fmp4",
      segment_seconds: 1,
      audio: "none",
    },
    params: {
      prompts: [],
      model: "identity",
      size: { width: 128, height: 96 },
      fps: 20,
      fit: "cover",
      paused: false,
      model_params: {},
    },
    host,
    engine: { device: "cpu", workspace: "/nonexistent", frame_queue: 1, max_frame_age_ms: 500 },
    send: (message) => void sent.push(message),
  });
  const over = stream.run();
  const of = (type: WorkReport["type"]) => sent.filter((message) => message.type === type);
  await waitFor("two segments", () => stream.stats().segments_out >= 3, 20_000);
  expect(stream.stats().frames_dropped).toBeLessThan(20);

  channel.stall();
  const before = stream.stats();
  const since = performance.now();
  await waitFor("the report", () => of("trouble").length > 0);
  const afterMs = performance.now() - since;
  expect(of("trouble")).toMatchObject([
    { error: { kind: "output_lost", details: [{ field: "output" }] } },
  ]);
  // Two segments of a second go to sockets whose kernels take them.
  expect(afterMs).toBeWithin(4900, 8500);
  const during = stream.stats();
  expect(during.frames_out - before.frames_out).toBeLessThan(50);
  expect(during.frames_dropped - before.frames_dropped).toBeGreaterThan(60);
  expect(during.fps_out).toBe(0);
  expect(during.segments_out - before.segments_out).toBeLessThanOrEqual(2);

  channel.resume();
  await waitFor("recovery", () => of("recovered").length > 0, 20_000);
  await waitFor("frames", () => stream.stats().frames_out > during.frames_out + 40, 20_000);
  // Frames that are neither out nor dropped are under way; at the start some are skipped, which counts as neither.
  const open = ({ frames_in, frames_out, frames_dropped }: typeof before) =>
    frames_in - frames_out - frames_dropped;
  expect(open(stream.stats()) - open(before)).toBeWithin(-5, 6);
  expect(of("trouble")).toHaveLength(1);
  stream.stop();
  await over;
});
