/** Reads our MPEG-TS with the gateway's WHEP reader and counts every frame and Opus packet. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { quietLibav } from "../../../src/engine/codec/libav.ts";
import type { ModelHost } from "../../../src/engine/device/model-host.ts";
import { ticks } from "../../../src/media/time.ts";
import { tsSegments } from "../../support/clip.ts";
import { ClipRun } from "../../support/clip-pipeline.ts";
import { OnnxWorkspace } from "../../support/onnx-workspace.ts";
import { bytesOf } from "../../support/ts-segmenter-run.ts";
import { type TsStream, tsStream } from "../../support/ts-stream.ts";
import { buildReader, type WhepView } from "./build-reader.ts";

setDefaultTimeout(30_000);

const reader = buildReader();
const interop = (name: string, body: () => Promise<void>): void =>
  reader.kind === "built"
    ? test(name, body)
    : test.skip(`${name} (no Go reader: ${reader.why})`, body);
const view = (bytes: Uint8Array): WhepView => {
  if (reader.kind !== "built") throw new Error(reader.why);
  return reader.read(bytes);
};

let workspace: OnnxWorkspace;
let host: ModelHost;
let stream: TsStream;
beforeAll(async () => {
  if (reader.kind !== "built") return;
  quietLibav();
  workspace = await OnnxWorkspace.create();
  host = await workspace.host();
  await host.acquire("identity");
  stream = await tsStream(host, { sound: { codec: "opus" }, bFrames: 2 });
});
afterAll(async () => {
  if (reader.kind !== "built") return;
  reader.remove();
  await host[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
});

const sentFrames = (): number[] => Array.from({ length: 240 }, (_, index) => 90_000 + 3000 * index);
const sentOpus = (): number[] => stream.input.audio?.packets.map(({ pts }) => pts) ?? [];

interop("every frame and every Opus packet arrives over four segments, at its time", async () => {
  expect(stream.run.segments.length).toBe(4);
  const seen = view(bytesOf(stream.run.fragments));
  expect(seen).toEqual({
    tracks: ["h264", "opus"],
    frames: sentFrames(),
    opus: sentOpus(),
    dropped: 0,
    reordered: 0,
    errors: [],
  });
});

interop("AAC input becomes Opus that it reads without a gap", async () => {
  const { run } = await tsStream(host, { sound: { codec: "aac" } });
  const { tracks, frames, opus, errors } = view(bytesOf(run.fragments));
  expect([tracks, frames, errors]).toEqual([["h264", "opus"], sentFrames(), []]);
  expect(opus.length).toBeGreaterThanOrEqual(399);
  const steps = opus.slice(1).map((pts, index) => pts - (opus[index] ?? 0));
  expect(new Set(steps)).toEqual(new Set([1800]));
});

interop("a viewer who joins late gets everything from then on", async () => {
  const second = Buffer.concat(stream.run.segments.slice(1));
  expect(view(second).frames).toEqual(sentFrames().slice(60));
  const [first] = stream.run.segments;
  const middle = Buffer.concat([(first ?? second).subarray(10_001), second]);
  expect(view(middle).frames).toEqual(sentFrames().slice(60));
});

interop(
  "after an engine died in the middle of a picture, nothing that the next one sends is lost",
  async () => {
    const { continuity } = stream.run.pipeline;
    if (!continuity) throw new Error("no continuity");
    const next = new ClipRun({
      segments: tsSegments(stream.input),
      host,
      params: { model: "identity" },
      pipeline: {
        container: "mpegts",
        segmentSeconds: 2,
        continuity,
        after: ticks(90_000 + 3000 * 150),
      },
      lossy: true,
    });
    await next.pipeline.run();
    const before = Buffer.concat(stream.run.segments.slice(0, 2)).subarray(0, -188 * 5);
    const seen = view(Buffer.concat([before, bytesOf(next.fragments)]));
    const sent = next.fragments.flatMap(({ pts, arrivedAt }) =>
      arrivedAt === null ? [] : [Number(pts)],
    );
    expect(sent.length).toBeGreaterThan(60);
    expect(seen.frames.slice(-sent.length)).toEqual(sent);
    expect(seen.tracks).toEqual(["h264", "opus"]);
    expect(seen.frames).toEqual(seen.frames.toSorted((a, b) => a - b));
  },
);
