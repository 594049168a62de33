/** What real encoders make, packed into PES packets in every way, comes out picture for picture. */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { decode } from "../../src/engine/codec/decode-stream.ts";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import { TsDemuxer } from "../../src/engine/source/ts/demux.ts";
import type { VideoPacket } from "../../src/media/encoded-packet.ts";
import { StageGroup } from "../../src/streams/stage.ts";
import { pool } from "../support/clip-codec.ts";
import { RecordingObserver } from "../support/recording-observer.ts";
import { PACKINGS, type PesPart, transportStream } from "../support/ts-packetizer.ts";
import { encodeVideo, type VideoSourceOptions } from "../support/video-source.ts";

beforeAll(quietLibav);
afterEach(() => {
  expect(pool.live).toBe(0);
});

const CHUNK_BYTES = 1316;
const FRAMES = 36;

/** Something that moves, so that every picture looks different. */
const luma = (x: number, y: number, time: number): number =>
  (x * 2 + y * 3 + Math.round(time * 17)) & 0xff;

const encode = (params: string, options: Partial<VideoSourceOptions> = {}): VideoPacket[] =>
  encodeVideo({ width: 128, height: 128, frames: FRAMES, luma, params, ...options });

/** Hashes of the decoded pictures, their times in frames, and how many packets were lost. */
async function shown(packets: readonly VideoPacket[]) {
  const stages = new StageGroup();
  const observer = new RecordingObserver();
  const input = new ReadableStream<VideoPacket>({
    start(controller) {
      for (const packet of packets) controller.enqueue(packet);
      controller.close();
    },
  });
  const pictures: string[] = [];
  const times: number[] = [];
  for await (const frame of input.pipeThrough(
    stages.add(decode({ pool, calls: UNRECORDED_CALLS, observer })),
  )) {
    const stride = frame.native.linesize[0] ?? 0;
    const rows = Array.from({ length: frame.height }, (_, y) =>
      frame.native.data?.[0]?.subarray(y * stride, y * stride + frame.width),
    );
    pictures.push(Bun.hash(Buffer.concat(rows.flatMap((row) => row ?? []))).toString(16));
    times.push(frame.pts / 3600);
    frame[Symbol.dispose]();
  }
  await stages.settled();
  return { pictures, times, dropped: observer.framesDropped };
}

/** Through the demuxer, as bytes arrive. */
function demuxed(codec: VideoPacket["codec"], parts: readonly PesPart[]): VideoPacket[] {
  const bytes = transportStream(codec === "hevc" ? "hevc" : "h264", parts);
  const demuxer = new TsDemuxer();
  const found: VideoPacket[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    for (const packet of demuxer.push(bytes.subarray(at, at + CHUNK_BYTES), at)) {
      if (packet.kind === "video") found.push(packet);
    }
  }
  for (const packet of demuxer.endSegment(0)) if (packet.kind === "video") found.push(packet);
  return found;
}

/** Every picture comes out as it went in, one frame after the other. */
async function expectWhole(packets: readonly VideoPacket[], parts: readonly PesPart[]) {
  const [first] = packets;
  const found = demuxed(first?.codec ?? "h264", parts);
  expect(found.length).toBe(packets.length);
  const [original, read] = [await shown(packets), await shown(found)];
  expect(read.pictures).toEqual(original.pictures);
  expect(read.dropped).toBe(0);
  const from = read.times[0] ?? 0;
  expect(read.times.map((time) => time - from)).toEqual(read.times.map((_, index) => index));
}

const STREAMS = {
  "H.264 of one slice": () => encode("bframes=0:keyint=12"),
  "H.264 of two slices": () => encode("bframes=0:keyint=12:slices=2"),
  "H.264 of four slices, with delimiters": () => encode("bframes=0:keyint=12:slices=4:aud=1"),
  "H.264 of seven slices": () => encode("bframes=0:keyint=12:slices=7"),
  "H.264 with B-frames": () => encode("bframes=2:b-pyramid=none:keyint=12:slices=2:scenecut=0"),
  "H.264 with a pyramid of B-frames": () => encode("bframes=3:b-adapt=0:keyint=12:scenecut=0"),
  "H.264 with fields": () => encode("bframes=0:keyint=12:slices=2", { fields: "top" }),
  "H.265 of one slice": () => encode("bframes=0:keyint=12", { codec: "libx265" }),
  "H.265 of two slices": () => encode("bframes=0:keyint=12:slices=2", { codec: "libx265" }),
  "H.265 with B-frames": () =>
    encode("bframes=3:keyint=12:open-gop=0:slices=2:scenecut=0", { codec: "libx265" }),
} as const;

for (const [name, make] of Object.entries(STREAMS)) {
  describe(name, () => {
    for (const [packing, pack] of Object.entries(PACKINGS)) {
      test(`in ${packing} comes out whole`, async () => {
        const packets = make();
        expect(packets.length).toBe(FRAMES);
        await expectWhole(packets, pack(packets));
      });
    }
  });
}

describe("a join", () => {
  /** What is read when the first `count` packets are missing. */
  const joined = async (packets: readonly VideoPacket[], count: number) =>
    shown(demuxed(packets[0]?.codec ?? "h264", PACKINGS["a PES a picture"](packets.slice(count))));

  test("in the middle of a group of pictures begins at the next key frame", async () => {
    const packets = encode("bframes=0:keyint=12:scenecut=0");
    const { pictures, dropped } = await joined(packets, 5);
    expect([pictures.length, dropped]).toEqual([24, 7]);
    expect(pictures).toEqual((await shown(packets)).pictures.slice(12));
  });

  test("begins at the recovery point of an open group of pictures", async () => {
    const packets = encode("bframes=2:keyint=12:min-keyint=12:open-gop=1:scenecut=0");
    const { pictures, dropped } = await joined(packets, 5);
    const clean = (await shown(packets)).pictures;
    expect(pictures.length + dropped).toBe(FRAMES - 5);
    expect(dropped).toBeLessThan(12);
    expect(clean.slice(-20)).toEqual(pictures.slice(-20));
  });

  test("begins at a CRA picture of H.265, whose leading pictures count as dropped", async () => {
    const options = { codec: "libx265" } as const;
    const packets = encode(
      "bframes=3:b-adapt=0:keyint=12:min-keyint=12:open-gop=1:scenecut=0",
      options,
    );
    const { pictures, dropped } = await joined(packets, 5);
    expect(pictures.length + dropped).toBe(FRAMES - 5);
    expect(pictures.length).toBeGreaterThanOrEqual(20);
    expect((await shown(packets)).pictures.slice(-20)).toEqual(pictures.slice(-20));
  });

  test("in a stream that is refreshed column by column begins at its recovery point", async () => {
    const packets = encode("bframes=0:keyint=12:intra-refresh=1");
    const { pictures, dropped } = await joined(packets, 5);
    expect(pictures.length + dropped).toBe(FRAMES - 5);
    expect(pictures.length).toBeGreaterThan(5);
    expect((await shown(packets)).pictures.slice(-5)).toEqual(pictures.slice(-5));
  });
});
