import { describe, expect, test } from "bun:test";
import { Mp4Demuxer } from "../../../../src/engine/source/mp4/demux.ts";
import { type Mp4Piece, Mp4Pieces } from "../../../../src/playground/media/mp4-pieces.ts";
import { samplesOf } from "../../../../src/playground/media/mp4-samples.ts";
import { fragment } from "../../../../src/playground/media/mp4-writer.ts";
import { aac, frames, segment } from "../../../support/mp4-segments.ts";
import { sharedData } from "../../../support/shared-data.ts";

const defaults = { duration: 0, size: 0, flags: 0 };
const VIDEO = { id: 1, timescale: 90_000, defaults };
const CAMERA = { ...VIDEO, timescale: 1_000_000 };

/** The samples of the picture's track, and the picture itself. */
function read(bytes: Uint8Array, wantsSound = true) {
  const pieces = new Mp4Pieces(() => wantsSound).push(bytes);
  const init = pieces.find((piece) => piece.kind === "init");
  const track = init?.tracks.find(({ kind }) => kind === "video");
  if (track === undefined) throw new Error("no picture");
  const isFragment = (piece: Mp4Piece) => piece.kind === "fragment";
  const samples = pieces.filter(isFragment).flatMap((piece) => samplesOf(piece.bytes, track));
  return { track, samples };
}

/** As the server's own demuxer reads them. */
function packetsOf(bytes: Uint8Array) {
  const demuxer = new Mp4Demuxer();
  const packets = [...demuxer.push(bytes, 0), ...demuxer.endSegment(0)];
  return packets.filter((packet) => packet.kind === "video");
}

describe("the samples of the output segmenter's fragments", () => {
  test.each([true, false])("are its frames, whether sound is played is %p", async (wantsSound) => {
    const parts = await segment([aac(0), ...frames(0, 3), aac(1), ...frames(10, 12)]);
    const bytes = Buffer.concat(parts.map(({ data }) => data));
    const { samples } = read(bytes, wantsSound);
    const expected = packetsOf(bytes);
    expect(samples.length).toBe(expected.length);
    expect(samples.map(({ time }) => time)).toEqual(
      expected.map(({ pts }) => Math.round((Number(pts) * 100) / 9)),
    );
    expect(samples.map(({ isKey }) => isKey)).toEqual(expected.map(({ keyFrame }) => keyFrame));
    for (const { data } of samples) expect(lengthsAddUp(data)).toBe(true);
  });

  test("come with what a decoder and a screen must know of the picture", async () => {
    const parts = await segment([...frames(0, 2)]);
    const { track } = read(Buffer.concat(parts.map(({ data }) => data)));
    expect(track.picture).toMatchObject({ width: expect.any(Number), height: expect.any(Number) });
    expect(track.picture?.avcC[0]).toBe(1); // its version
  });
});

test("the samples of a camera's fragments are what its encoder gave", () => {
  const samples = [
    { data: Uint8Array.of(1, 2, 3), time: 1_000_000, duration: 33_000, keyFrame: true },
    { data: Uint8Array.of(4), time: 1_033_000, duration: 34_000, keyFrame: false },
    { data: Uint8Array.of(5, 6), time: 1_067_000, duration: 33_000, keyFrame: false },
  ];
  const found = samplesOf(fragment(0, 1, samples), CAMERA);
  expect(found).toEqual(
    samples.map(({ data, time, keyFrame: isKey }) => ({ data, time, isKey })) as typeof found,
  );
  expect(samplesOf(fragment(0, 2, samples), CAMERA)).toEqual([]);
});

const foreign = sharedData("cases/fmp4-opus-of-constant-size.mp4");

test.skipIf(foreign === null)("the samples of FFmpeg's fragments are its frames", async () => {
  const bytes = await Bun.file(foreign ?? "").bytes();
  const { samples } = read(bytes);
  const expected = packetsOf(bytes);
  expect(samples.length).toBeGreaterThan(10);
  expect(samples.map(({ isKey }) => isKey)).toEqual(expected.map(({ keyFrame }) => keyFrame));
  for (const [index, { data, time }] of samples.entries()) {
    expect(Math.abs(time * 0.09 - Number(expected[index]?.pts))).toBeLessThan(1);
    expect(lengthsAddUp(data)).toBe(true);
  }
});

test("what a fragment does not say of its samples is taken from its track", () => {
  const u32 = (...values: number[]) => {
    const bytes = Buffer.alloc(4 * values.length);
    for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
    return bytes;
  };
  const box = (type: string, ...parts: Uint8Array[]) => {
    const body = Buffer.concat(parts);
    return Buffer.concat([u32(body.length + 8), Buffer.from(type), body]);
  };
  const moof = (data: number) => {
    const trun = box("trun", u32(0x000005, 2, data, 0)); // offset, flags of the first
    const traf = box("traf", box("tfhd", u32(0x020000, 1)), box("tfdt", u32(0, 90)), trun);
    return box("moof", traf);
  };
  const bytes = [moof(moof(0).length + 8), box("mdat", Uint8Array.of(1, 2, 3, 4))];
  const track = { ...VIDEO, defaults: { duration: 9000, size: 2, flags: 0x10000 } };
  expect(samplesOf(new Uint8Array(Buffer.concat(bytes)), track)).toEqual([
    { data: Uint8Array.of(1, 2), time: 1000, isKey: true },
    { data: Uint8Array.of(3, 4), time: 101_000, isKey: false },
  ]);
});

test("damaged fragments end where they are damaged, and claims of many samples are not believed", () => {
  const one = { data: Uint8Array.of(1, 2, 3), time: 0, duration: 33_000, keyFrame: true };
  const whole = fragment(0, 1, [one, { ...one, time: 33_000 }]);
  expect(samplesOf(whole.slice(0, -1), VIDEO).length).toBe(1);
  const count = Buffer.from(whole.buffer).indexOf("trun") + 8;
  new DataView(whole.buffer).setUint32(count, 0xffffffff);
  expect(samplesOf(whole, VIDEO).length).toBeLessThan(4);
  expect(samplesOf(new Uint8Array(), VIDEO)).toEqual([]);
  expect(samplesOf(Uint8Array.of(0, 0, 0, 8, 109, 111, 111, 102), VIDEO)).toEqual([]);
});

/** H.264 in MP4: each NAL unit has its length in front of it. */
function lengthsAddUp(data: Uint8Array): boolean {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  let at = 0;
  while (at + 4 <= data.length) at += 4 + view.getUint32(at);
  return at === data.length;
}
