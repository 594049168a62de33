/** Judged by two readers that share nothing with the writer: the tests' own and the engine's demuxer. */
import { expect, test } from "bun:test";
import { Mp4Demuxer } from "../../../../src/engine/source/mp4/demux.ts";
import { fragment, initSegment } from "../../../../src/playground/media/mp4-writer.ts";
import { readMp4 } from "../../../support/mp4-boxes.ts";
import { PPS, SPS } from "../../../support/mp4-segments.ts";

const AVCC = Uint8Array.from([
  ...[1, 0x42, 0xe0, 0x1f, 0xff, 0xe1, 0, SPS.length],
  ...SPS,
  ...[1, 0, PPS.length],
  ...PPS,
]);
/** More microseconds than fit into 32 bits. */
const START = 5_000_000_000;
const picture = (index: number) => ({
  data: Uint8Array.from([0, 0, 0, 2, index === 0 ? 0x65 : 0x41, index]),
  time: START + index * 50_000,
  duration: 50_000,
  keyFrame: index === 0,
});
const sound = (index: number) => ({
  data: Uint8Array.from([0xfc, index]),
  time: START + 3_000 + index * 20_000,
  duration: 20_000,
  keyFrame: true,
});
const pictures = [0, 1, 2].map(picture);
const packets = [0, 1, 2, 3].map(sound);
const segment = Buffer.concat([
  initSegment([
    { kind: "video", width: 640, height: 480, avcC: AVCC },
    { kind: "audio", channels: 2, preSkip: 312 },
  ]),
  fragment(7, 1, pictures),
  fragment(8, 2, packets),
]);

test("a segment is a complete file with a picture and a sound track", () => {
  const { order, tracks, fragments } = readMp4(segment);
  expect(order).toEqual(["ftyp", "moov", "moof", "mdat", "moof", "mdat"]);
  expect(tracks).toMatchObject([
    { id: 1, entry: "avc1", width: 640, height: 480, timescale: 1_000_000, config: AVCC },
    {
      id: 2,
      entry: "Opus",
      channels: 2,
      sampleRate: 48_000,
      timescale: 1_000_000,
      // dOps: version, channels, pre-skip, rate, gain, mapping (Opus in ISOBMFF 4.3.2)
      config: Uint8Array.from([0, 2, 312 >> 8, 312 & 0xff, 0, 0, 0xbb, 0x80, 0, 0, 0]),
    },
  ]);
  expect(fragments).toMatchObject([
    { sequence: 7, track: 1, tfdt: START },
    { sequence: 8, track: 2, tfdt: START + 3_000 },
  ]);
  expect(fragments[0]?.samples).toEqual(
    pictures.map(({ data, time, keyFrame }) => ({
      data,
      dts: time,
      pts: time,
      duration: 50_000,
      sync: keyFrame,
    })),
  );
});

test("the engine reads pictures and sound at their times", () => {
  const read = new Mp4Demuxer().push(segment, 0);
  const ticks = (time: number) => (time * 90) / 1000;
  expect(read.map(({ kind, pts }) => `${kind} ${Number(pts)}`)).toEqual([
    ...pictures.map(({ time }) => `video ${ticks(time)}`),
    ...packets.map(({ time }) => `audio ${ticks(time)}`),
  ]);
  expect(read.flatMap((packet) => (packet.kind === "video" ? [packet.keyFrame] : []))).toEqual([
    true,
    false,
    false,
  ]);
  expect(read.at(-1)).toMatchObject({ codec: "opus", channels: 2, data: packets[3]?.data });
});
