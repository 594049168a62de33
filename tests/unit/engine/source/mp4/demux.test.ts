import { describe, expect, test } from "bun:test";
import { segmentFmp4 } from "../../../../../src/engine/segment/fmp4-segmenter.ts";
import { Mp4Demuxer } from "../../../../../src/engine/source/mp4/demux.ts";
import type {
  EncodedAudio,
  EncodedPacket,
  EncodedVideo,
  OutputPacket,
} from "../../../../../src/media/encoded-packet.ts";
import { ticks } from "../../../../../src/media/time.ts";
import { StageGroup } from "../../../../../src/streams/stage.ts";

const SPS = [0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0];
const PPS = [0x68, 0xcb, 0x83, 0xcb, 0x20];
const SETS = Uint8Array.from([0, 0, 0, 1, ...SPS, 0, 0, 0, 1, ...PPS]);
const GOP = 10;

const picture = (index: number): EncodedVideo => ({
  kind: "video",
  codec: "h264",
  data: Uint8Array.from([0, 0, 0, 1, index % GOP ? 0x41 : 0x65, 0x80 | index, 0x99]),
  pts: ticks(900_000 + 3000 * index),
  dts: ticks(900_000 + 3000 * index),
  keyFrame: index % GOP === 0,
  arrivedAt: 0,
  format: FORMAT,
});
const FORMAT = { width: 320, height: 180, parameterSets: SETS };

const sound = (index: number): EncodedAudio => ({
  kind: "audio",
  codec: "aac",
  data: Uint8Array.from([0x21, index]),
  pts: ticks(900_000 + 1920 * index),
  duration: ticks(1920),
  sampleRate: 48_000,
  channels: 2,
  arrivedAt: 0,
});

/** Three segments of our own segmenter, which writes through mp4box. */
async function segments(): Promise<Uint8Array[]> {
  const packets: OutputPacket[] = [sound(0)];
  for (let index = 0; index < 3 * GOP; index++) packets.push(picture(index), sound(index + 1));
  const source = new ReadableStream<OutputPacket>({
    start(controller) {
      for (const packet of packets) controller.enqueue(packet);
      controller.close();
    },
  });
  const made: Uint8Array[][] = [];
  for await (const { data, first } of source.pipeThrough(
    new StageGroup().add(segmentFmp4({ promisedAudio: () => null })),
  )) {
    if (first) made.push([]);
    made.at(-1)?.push(data);
  }
  return made.map((parts) => Buffer.concat(parts));
}

function demux(demuxer: Mp4Demuxer, bytes: Uint8Array, step: number): EncodedPacket[] {
  const packets: EncodedPacket[] = [];
  for (let at = 0; at < bytes.length; at += step) {
    packets.push(...demuxer.push(bytes.subarray(at, at + step), 7));
  }
  return packets;
}

describe("packets that our segmenter wrote are read back", () => {
  for (const step of [1, 7, 100, 100_000]) {
    test(`in pieces of ${step} bytes`, async () => {
      const demuxer = new Mp4Demuxer();
      const packets = (await segments()).flatMap((bytes) => [
        ...demux(demuxer, bytes, step),
        ...demuxer.endSegment(0),
      ]);
      const pictures = packets.filter(({ kind }) => kind === "video");
      expect(pictures.length).toBe(3 * GOP);
      for (const [index, packet] of pictures.entries()) {
        const { pts, dts, keyFrame, data, codec } = picture(index);
        const whole = keyFrame ? Uint8Array.from([...SETS, ...data]) : data;
        expect(packet).toEqual({
          kind: "video",
          codec,
          data: whole,
          pts,
          dts,
          keyFrame,
          arrivedAt: 7,
        });
      }
      const sounds = packets.filter(({ kind }) => kind === "audio");
      expect(sounds.length).toBeGreaterThan(3 * GOP - 2);
      for (const [index, packet] of sounds.entries()) {
        expect(packet).toEqual({ ...sound(index), arrivedAt: 7 });
      }
      expect(demuxer.announcedAudio?.codec ?? null).not.toBeNull();
    });
  }
});

test("a frame is delivered as soon as its fragment is complete", async () => {
  const [bytes = new Uint8Array()] = await segments();
  const demuxer = new Mp4Demuxer();
  const counts = Array.from(bytes, (byte) => demuxer.push(Uint8Array.of(byte), 0).length);
  const last = counts.findLastIndex((count) => count > 0);
  expect(last).toBe(bytes.length - 1);
  expect(counts.filter((count) => count > 0).length).toBeGreaterThan(GOP);
});

test("segments without a moov use the last one", async () => {
  const [first = new Uint8Array(), second = new Uint8Array()] = await segments();
  const headless = second.subarray(Buffer.from(second).indexOf("moof") - 4);
  const demuxer = new Mp4Demuxer();
  demux(demuxer, first, 1000);
  demuxer.endSegment(0);
  expect(demux(demuxer, headless, 1000).filter(({ kind }) => kind === "video").length).toBe(GOP);
});

test("a segment that broke off does not affect the next", async () => {
  const [first = new Uint8Array(), second = new Uint8Array()] = await segments();
  const demuxer = new Mp4Demuxer();
  demux(demuxer, first.subarray(0, first.length - 20), 1000);
  demuxer.breakSegment();
  expect(demux(demuxer, second, 1000).filter(({ kind }) => kind === "video").length).toBe(GOP);
});

test("a box too large for a live stream is refused by name and size", () => {
  const box = Uint8Array.from([0x40, 0, 0, 0, ...Buffer.from("mdat"), ...new Uint8Array(16)]);
  const demuxer = new Mp4Demuxer();
  expect(demuxer.push(box, 0)).toEqual([]);
  expect(demuxer.takeTroubles()[0]?.error?.message).toMatch(/mdat box of 1073741824 bytes/);
});

test("damage throws nothing, and the next whole segment is read", async () => {
  const [bytes = new Uint8Array(), whole = new Uint8Array()] = await segments();
  let state = 1;
  const random = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return state % below;
  };
  for (let round = 0; round < 500; round++) {
    const damaged = bytes.slice();
    for (let hit = 0; hit < 8; hit++) damaged[random(damaged.length)] = random(256);
    const demuxer = new Mp4Demuxer();
    try {
      demux(demuxer, damaged, 1 + random(500));
    } catch (error) {
      expect(String(error)).toContain("send fragmented MP4");
      continue;
    }
    demuxer.endSegment(0);
    expect(demux(demuxer, whole, 500).filter(({ kind }) => kind === "video").length).toBe(GOP);
  }
});
