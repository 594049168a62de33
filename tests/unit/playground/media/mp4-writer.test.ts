/** Judged by two readers that share nothing with the writer: the tests' own, and the engine's demuxer. */
import { expect, test } from "bun:test";
import { Mp4Demuxer } from "../../../../src/engine/source/mp4-demux.ts";
import { fragment, initSegment } from "../../../../src/playground/media/mp4-writer.ts";
import { readMp4 } from "../../../support/mp4-boxes.ts";
import { PPS, SPS } from "../../../support/mp4-segments.ts";

const AVCC = Uint8Array.from([
  ...[1, 0x42, 0xe0, 0x1f, 0xff, 0xe1, 0, SPS.length],
  ...SPS,
  ...[1, 0, PPS.length],
  ...PPS,
]);
/** Later than 32 bits of microseconds can say. */
const START = 5_000_000_000;
const sample = (index: number) => ({
  data: Uint8Array.from([0, 0, 0, 2, index === 0 ? 0x65 : 0x41, index]),
  time: START + index * 50_000,
  duration: 50_000,
  keyFrame: index === 0,
});
const segment = Buffer.concat([
  initSegment(640, 480, AVCC),
  fragment(7, [sample(0), sample(1), sample(2)]),
]);

test("a segment is a whole file", () => {
  const { order, tracks, fragments } = readMp4(segment);
  expect(order).toEqual(["ftyp", "moov", "moof", "mdat"]);
  expect(tracks).toMatchObject([
    { entry: "avc1", width: 640, height: 480, timescale: 1_000_000, config: AVCC },
  ]);
  expect(fragments).toMatchObject([{ sequence: 7, tfdt: START }]);
  expect(fragments[0]?.samples).toEqual(
    [0, 1, 2].map((index) => ({
      data: sample(index).data,
      dts: sample(index).time,
      pts: sample(index).time,
      duration: 50_000,
      sync: index === 0,
    })),
  );
});

test("the engine reads its pictures and their times", () => {
  const packets = new Mp4Demuxer().push(segment, 0);
  expect(packets.map(({ kind, pts }) => `${kind} ${Number(pts)}`)).toEqual(
    [0, 1, 2].map((index) => `video ${(sample(index).time * 90) / 1000}`),
  );
  expect(packets.map((packet) => packet.kind === "video" && packet.keyFrame)).toEqual([
    true,
    false,
    false,
  ]);
});
