/** Runs whole streams through the real server: a clip in over trickle, a model, segments out over trickle. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { decodeMedia } from "../support/clip-reader.ts";
import { CLIPS, type TestClip, WITH_B_FRAMES, WITH_SOUND } from "../support/clips.ts";
import {
  api,
  type CollectedSegment,
  collect,
  enginePid,
  sendClip,
} from "../support/live-stream.ts";
import { readMp4 } from "../support/mp4-boxes.ts";
import { OnnxWorkspace, simpleModel } from "../support/onnx-workspace.ts";
import { MAIN, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(60_000);

const SECONDS = 5;
/** Sends the first seconds of a clip through a server of its own and returns the output. */
async function restream(clip: TestClip, model: string, flags: readonly string[] = []) {
  await using server = await startServer(MAIN, flags);
  await enginePid(server.url);
  const stop = new AbortController();
  const source = await clip.open({ restartCounters: true });
  const input_url = `${server.url}/trickle/in`;
  const stream_url = `${server.url}/trickle/out`;
  const sender = await sendClip(input_url, source.segments, {
    seconds: SECONDS,
    signal: stop.signal,
  });
  const { start, stream } = api(server.url);
  const size = { width: 512, height: 288 };
  const id = await start({ stream_url, input_url, model, ...size });
  const output = collect(stream_url, stop.signal);
  await sender.sent;
  await sender.end();
  await output.ended;
  await waitFor("the stream to have stopped", async () => (await stream(id)).status === "stopped");
  return { stats: (await stream(id)).stats, segments: output.segments, source: source.media, size };
}

const byClip = new Map<TestClip, ReturnType<typeof restream>>();
/** A clip through `edges`: played once for all tests that look at its output. */
function outlined(clip: TestClip): ReturnType<typeof restream> {
  const run = byClip.get(clip) ?? restream(clip, "edges");
  byClip.set(clip, run);
  return run;
}

/** Every track's samples over all segments, in order. */
const samplesOf = (segments: readonly CollectedSegment[], track: number) =>
  segments.flatMap(({ bytes }) =>
    readMp4(bytes).fragments.flatMap((part) => (part.track === track ? part.samples : [])),
  );

for (const clip of CLIPS) {
  const title = `${clip.name} passes through edges complete and in order`;
  test.skipIf(clip.missing)(title, async () => {
    const { stats, segments, source, size } = await outlined(clip);
    expect(segments.length).toBeGreaterThanOrEqual(SECONDS - 1);
    expect(segments.every(({ complete }) => complete)).toBe(true);
    // Frames that arrived while the model loaded were replaced by newer ones, which is not counted as loss.
    expect(stats.frames_in - stats.frames_out - stats.frames_dropped).toBeWithin(0, 20);
    expect(stats.segments_skipped).toBe(0);

    let frames = 0;
    for (const { bytes } of segments) {
      const { video, audio } = await decodeMedia(bytes);
      expect(video?.frames.every((frame) => !frame.corrupt)).toBe(true);
      expect(video?.frames[0]).toMatchObject(size);
      expect(audio !== null).toBe(source.audio !== null);
      frames += video?.frames.length ?? 0;
    }
    expect(frames).toBe(stats.frames_out);

    const pictures = samplesOf(segments, 1);
    const times = pictures.map(({ pts }) => pts);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(new Set(times).size).toBe(times.length);
    // Frames keep their timestamps on one clock. The first one out is the newest at the time the model was loaded.
    const known = new Set(source.video?.packets.map(({ pts }) => pts));
    const unknown = [...known].slice(0, 20).map((first) => {
      const offset = (times[0] ?? 0) - first;
      return times.filter((time) => !known.has(time - offset));
    });
    expect(unknown).toContainEqual([]);
  });
}

for (const clip of [WITH_SOUND, WITH_B_FRAMES]) {
  test(`${clip.name}: a segment's bytes leave while its frames are made`, async () => {
    const { segments } = await outlined(clip);
    const whole = segments.slice(1, -1);
    expect(whole.length).toBeGreaterThan(0);
    for (const { bytes, firstAt, lastAt } of whole) {
      const pictures = readMp4(bytes).fragments.filter(({ track }) => track === 1);
      const media = pictures
        .slice(1)
        .reduce((sum, { samples }) => sum + (samples[0]?.duration ?? 0), 0);
      expect(lastAt - firstAt).toBeGreaterThan(media / 90 / 2);
    }
  });
}

for (const clip of CLIPS.filter(({ sounds }) => sounds > 0)) {
  test.skipIf(clip.missing)(`${clip.name}: the sound has no gap and stays in step`, async () => {
    const { segments, source } = await outlined(clip);
    const sound = samplesOf(segments, 2);
    const picture = samplesOf(segments, 1);
    const rate = source.audio?.sampleRate ?? 0;
    for (const [index, sample] of sound.slice(1).entries()) {
      const before = sound[index];
      expect(sample.dts).toBe((before?.dts ?? 0) + (before?.duration ?? 0));
    }
    // Packets of silence repeat, so the whole run is looked for in the clip and not only its first packet.
    const wanted = source.audio?.packets.map(({ data }) => Bun.hash(data)) ?? [];
    const received = sound.map(({ data }) => Bun.hash(data));
    const firstSound = wanted.findIndex((_, from) =>
      received.every((hash, index) => wanted[from + index] === hash),
    );
    expect(received.length).toBeGreaterThan(100);
    expect(firstSound).toBeGreaterThanOrEqual(0);
    // The distance between the first sound and the first picture is that of the same two in the clip: one of the clip's
    // first pictures, the newest when the model was loaded.
    const soundInClip = source.audio?.packets[firstSound]?.pts ?? 0;
    const inOutput = ((sound[0]?.dts ?? 0) / rate) * 90_000 - (picture[0]?.pts ?? 0);
    const off = (source.video?.packets ?? [])
      .slice(0, 10)
      .map(({ pts }) => Math.abs(inOutput - (soundInClip - pts)));
    expect(Math.min(...off)).toBeLessThan(0.02 * 90_000);
  });
}

test("a model of a fixed size transforms a clip of another size", async () => {
  await using workspace = await OnnxWorkspace.create();
  const onnx = simpleModel("float32", [1, 3, 64, 64], (graph, picture) =>
    graph.node("Sub", [graph.constant("float32", [], [1]), picture]),
  );
  await workspace.add("negative", { inputs: { x: { role: "frame" } } }, onnx);
  const { stats, segments, size } = await restream(WITH_SOUND, "negative", [
    "--workspace",
    workspace.path,
  ]);
  expect(stats.model).toBe("negative");
  expect(stats.inference_ms.p50).toBeGreaterThan(0);
  const frames = [];
  for (const { bytes } of segments)
    frames.push(...((await decodeMedia(bytes)).video?.frames ?? []));
  expect(frames.length).toBe(stats.frames_out);
  expect(frames.every((frame) => !frame.corrupt)).toBe(true);
  expect(frames.at(-1)).toMatchObject(size);
});

test("an orchestrator's start is refused for a model whose file was removed since it was listed", async () => {
  await using workspace = await OnnxWorkspace.create();
  const onnx = simpleModel("float32", [1, 3, 64, 64], (graph, x) => graph.node("Neg", [x]));
  await workspace.add("negative", { inputs: { x: { role: "frame" } } }, onnx);
  await using server = await startServer(MAIN, ["--workspace", workspace.path]);
  await enginePid(server.url);
  await rm(join(workspace.path, "models/negative/model.onnx"));
  const response = await fetch(`${server.url}/stream/start`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      gateway_request_id: "removed",
      publish_url: `${server.url}/trickle/removed-out`,
      params: { model: "negative" },
    }),
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    code: "invalid_request",
    message: expect.stringContaining("model negative cannot be used"),
  });
});

test("a second stream transforms the output of the first", async () => {
  await using server = await startServer(MAIN);
  await enginePid(server.url);
  const { start, stream, stop } = api(server.url);
  const [drawn, edges] = [`${server.url}/trickle/drawn`, `${server.url}/trickle/edges`];
  const size = { width: 160, height: 120 };
  const first = await start({ stream_url: drawn, ...size });
  await waitFor("a picture", async () => (await stream(first)).stats.frames_out > 0);
  const second = await start({ input_url: drawn, stream_url: edges, model: "edges", ...size });
  const leave = new AbortController();
  const output = collect(edges, leave.signal);
  await waitFor("two segments", () => output.segments.length >= 2);
  await stop(first);
  await waitFor("the second to end", async () => (await stream(second)).status === "stopped");
  await output.ended;
  const { video } = await decodeMedia(output.segments[1]?.bytes ?? new Uint8Array());
  expect(video?.frames.length).toBeGreaterThan(1);
  // Outlines are bright lines on black; the picture that they are taken from is not dark.
  expect(video?.frames.at(-1)?.measure).toBeLessThan(60);
});
