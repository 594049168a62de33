/** Streams of an orchestrator: sides that are missing, channels that others own and close (protocol.md 1.4, 5.1). */
import { expect, setDefaultTimeout, test } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { orchestrated, publishClip } from "../support/orchestrated-stream.ts";
import { seenPackets } from "../support/ts-reader.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);
quietLibav();

const ENDED = { type: "ended", id: "s" } as const;

test("with both sides, segments are MPEG-TS and the input's end ends the stream; no channel is removed", async () => {
  await using run = await orchestrated({ input: "in", output: "out" }, ["in", "out"]);
  const over = run.stream.run();
  await waitFor("its start", () => run.typesSent().includes("started"));
  await run.host.acquire("identity"); // frames are skipped while it loads
  await publishClip(run.trickle.url("in"));
  await waitFor("all frames", () => run.stream.stats().frames_out === 60);
  // Of media, however fast it came; sound in packets of 20 ms.
  const { fps_in, fps_out, audio_fps_in, audio_fps_out } = run.stream.stats();
  expect([fps_in, fps_out]).toEqual([30, 30]);
  for (const rate of [audio_fps_in, audio_fps_out]) expect(rate).toBeWithin(48, 51);
  await fetch(run.trickle.url("in"), { method: "DELETE" });
  await over;
  expect(run.sent.at(-1)).toEqual(ENDED);
  expect(run.trickle.server.channels).toBe(1);
  const checkpoint = run.sent.findLast(({ type }) => type === "checkpoint");
  expect(checkpoint).toMatchObject({
    checkpoint: { ts: { counters: { pat: 2, pmt: 2 }, audio: { codec: "opus" } } },
  });
  const first = await fetch(`${run.trickle.url("out")}/0`);
  expect(seenPackets(new Uint8Array(await first.arrayBuffer())).length).toBeGreaterThan(60);
});

test("its start is reported before a model is loaded", async () => {
  await using run = await orchestrated({ input: "in", output: "out" }, ["in", "out"]);
  void run.stream.run();
  await waitFor("its start", () => run.typesSent().includes("started"));
  expect(run.host.infos().find(({ name }) => name === "identity")?.state).not.toBe("ready");
});

test("with input alone it reads, infers and throws away", async () => {
  await using run = await orchestrated({ input: "in" }, ["in"]);
  await run.host.acquire("identity");
  const over = run.stream.run();
  await waitFor("its start", () => run.typesSent().includes("started"));
  await publishClip(run.trickle.url("in"));
  await waitFor("all frames", () => run.stream.stats().frames_out === 60);
  const { bytes_out, inference_ms } = run.stream.stats();
  expect(bytes_out).toBe(0);
  expect(inference_ms.p50).not.toBeNull();
  await fetch(run.trickle.url("in"), { method: "DELETE" });
  await over;
  expect([run.sent.at(-1), run.stream.frames]).toEqual([ENDED, 0]);
});

test("with output alone a clock drives it", async () => {
  await using run = await orchestrated({ output: "out" }, ["out"]);
  const over = run.stream.run();
  await waitFor("a second segment", () => run.stream.stats().segments_out >= 2);
  run.stream.stop();
  await over;
  expect(run.sent.at(-1)).toEqual(ENDED);
  expect(run.trickle.server.channels).toBe(1);
});

test("with neither nothing runs, and it lives until it is stopped", async () => {
  await using run = await orchestrated({}, []);
  const over = run.stream.run();
  await waitFor("its start", () => run.typesSent().includes("started"));
  expect(run.stream.stats()).toMatchObject({ frames_in: 0, frames_out: 0 });
  run.stream.stop();
  await over;
  expect(run.typesSent()).toEqual(["started", "stats", "ended"]);
  expect(run.sent.at(-1)).toEqual(ENDED);
});

test("an output channel that is removed ends it as it should, frames coming or not", async () => {
  for (const sides of [{ output: "out" }, { input: "in", output: "out" }]) {
    await using run = await orchestrated(sides, ["in", "out"]);
    const over = run.stream.run();
    await waitFor("its start", () => run.typesSent().includes("started"));
    if (!sides.input) await waitFor("frames", () => run.stream.stats().frames_out > 3);
    await fetch(run.trickle.url("out"), { method: "DELETE" });
    await over;
    expect(run.sent.at(-1)).toEqual(ENDED);
  }
});

test("a channel that does not exist is an end with a reason, and none is made", async () => {
  for (const [made, field] of [
    ["in", "output"],
    ["out", "input"],
  ] as const) {
    await using run = await orchestrated({ input: "in", output: "out" }, [made]);
    await run.stream.run();
    expect(run.typesSent()).not.toContain("started");
    const error = { kind: "channel_refused", details: [{ field }] };
    expect(run.sent.at(-1)).toMatchObject({ ...ENDED, error });
    expect(run.trickle.server.channels).toBe(1);
  }
});
