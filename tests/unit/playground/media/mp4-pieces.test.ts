import { describe, expect, test } from "bun:test";
import { Mp4Demuxer } from "../../../../src/engine/source/mp4/demux.ts";
import { Mp4Pieces, NotMp4 } from "../../../../src/playground/media/mp4-pieces.ts";
import { initSegment } from "../../../../src/playground/media/mp4-writer.ts";
import { readMp4 } from "../../../support/mp4-boxes.ts";
import { aac, frames, segment, video } from "../../../support/mp4-segments.ts";

const bytesOf = async (...given: Parameters<typeof segment>): Promise<Uint8Array> =>
  Buffer.concat((await segment(...given)).map(({ data }) => data));

const INIT = initSegment([
  {
    kind: "video",
    width: 320,
    height: 180,
    avcC: Uint8Array.of(1, 0x42, 0xc0, 0x1e, 0xff, 0xe0, 0),
  },
  { kind: "audio", channels: 1, preSkip: 312 },
]);

const box = (type: string, ...parts: Uint8Array[]): Uint8Array => {
  const body = Buffer.concat(parts);
  return Buffer.concat([u32(body.length + 8), Buffer.from(type), body]);
};
const u32 = (...values: number[]): Uint8Array => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
};

/** A `moof` with a run of one sample for each of the two tracks, as ffmpeg writes them, and its `mdat`. */
function fragmentOfBoth(picture: number[], sound: number[]): Uint8Array {
  const traf = (id: number, offset: number, size: number): Uint8Array =>
    box(
      "traf",
      box("tfhd", u32(0x020000, id)), // offsets count from the moof
      box("tfdt", u32(0, 0)),
      box("trun", u32(0x000301, 1, offset, 20_000, size)), // offset, durations, sizes
    );
  const moof = (data: number): Uint8Array =>
    box("moof", traf(1, data, picture.length), traf(2, data + picture.length, sound.length));
  return Buffer.concat([
    moof(moof(0).length + 8),
    box("mdat", Uint8Array.from(picture), Uint8Array.from(sound)),
  ]);
}

const shape = (pieces: ReturnType<Mp4Pieces["push"]>) =>
  pieces.map((piece) => (piece.kind === "init" ? "init" : `${piece.track} ${piece.time}`));

describe("pieces of the output segmenter's bytes", () => {
  test("are the same wherever the bytes are cut, and contain all of them", async () => {
    const bytes = await bytesOf([aac(0), ...frames(0, 3), aac(1), ...frames(10, 12)]);
    const whole = new Mp4Pieces().push(bytes);
    const cut = new Mp4Pieces();
    const pieces = Array.from(bytes, (_, at) => cut.push(bytes.subarray(at, at + 1))).flat();
    expect(shape(pieces)).toEqual(shape(whole));
    expect(Buffer.concat(whole.map((piece) => piece.bytes))).toEqual(Buffer.from(bytes));
  });

  test("name codecs in MediaSource's form", async () => {
    const [init] = new Mp4Pieces().push(await bytesOf([aac(0), ...frames(0, 1)]));
    expect(init?.kind === "init" && init.tracks.map(({ codec }) => codec)).toEqual([
      "avc1.42c01e",
      "mp4a.40.2",
    ]);
  });

  test("carry presentation times, also after dropped frames", async () => {
    const bytes = await bytesOf([video(0, true), video(1, false), video(9, false)]);
    const pieces = new Mp4Pieces().push(bytes);
    expect(shape(pieces)).toEqual(["init", "video 0", `video ${1 / 30}`, "video 0.3"]);
  });
});

describe("a player that wants no sound", () => {
  test("gets pieces without it, of the same size, and learns that there is some", async () => {
    const bytes = await bytesOf([aac(0), ...frames(0, 2), aac(1), ...frames(10, 12)]);
    const silent = new Mp4Pieces(() => false);
    const pieces = silent.push(bytes);
    const [init] = pieces;
    expect(init?.kind === "init" && init.tracks.map(({ kind }) => kind)).toEqual(["video"]);
    expect(shape(pieces)).toEqual(
      shape(new Mp4Pieces().push(bytes)).filter((piece) => !piece.startsWith("audio")),
    );
    expect(readMp4(init?.bytes ?? new Uint8Array()).tracks.map(({ entry }) => entry)).toEqual([
      "avc1",
    ]);
    expect(silent.hasSound).toBe(true);
  });

  test("gets pictures alone out of fragments that carry both", () => {
    const silent = new Mp4Pieces(() => false);
    const segment = Buffer.concat([INIT, fragmentOfBoth([1, 2, 3], [7, 8])]);
    const pieces = silent.push(segment);
    expect(shape(pieces)).toEqual(["init", "video 0"]);
    const passed = Buffer.concat(pieces.map(({ bytes }) => bytes));
    expect(passed.length).toBe(segment.length);
    expect(new Mp4Demuxer().push(segment, 0).map(({ kind }) => kind)).toEqual(["video", "audio"]);
    expect(new Mp4Demuxer().push(passed, 0).map(({ kind }) => kind)).toEqual(["video"]);
  });

  test("gets it from the next segment on once it wants it", async () => {
    let wanted = false;
    const pieces = new Mp4Pieces(() => wanted);
    const bytes = await bytesOf([aac(0), ...frames(0, 2)]);
    pieces.push(bytes);
    wanted = true;
    expect(shape(pieces.push(bytes))).toEqual(shape(new Mp4Pieces().push(bytes)));
  });
});

test("an incomplete piece is dropped when a new segment starts", async () => {
  const bytes = await bytesOf(frames(0, 2));
  const pieces = new Mp4Pieces();
  pieces.push(bytes.subarray(0, bytes.length - 3));
  pieces.restart();
  expect(shape(pieces.push(bytes))).toEqual(["init", "video 0", `video ${1 / 30}`]);
});

test("MPEG-TS is refused as not MP4", () => {
  const packet = new Uint8Array(188).fill(0xff);
  packet[0] = 0x47;
  expect(() => new Mp4Pieces().push(packet)).toThrow(NotMp4);
});
