import { describe, expect, test } from "bun:test";
import { Mp4Pieces, NotMp4 } from "../../../../src/playground/media/mp4-pieces.ts";
import { aac, frames, segment, video } from "../../../support/mp4-segments.ts";

const bytesOf = async (...given: Parameters<typeof segment>): Promise<Uint8Array> =>
  Buffer.concat((await segment(...given)).map(({ data }) => data));

const shape = (pieces: ReturnType<Mp4Pieces["push"]>) =>
  pieces.map((piece) => (piece.kind === "init" ? "init" : `${piece.track} ${piece.time}`));

describe("pieces of what our segmenter writes", () => {
  test("are the same however the bytes are cut, and lose none of them", async () => {
    const bytes = await bytesOf([aac(0), ...frames(0, 3), aac(1), ...frames(10, 12)]);
    const whole = new Mp4Pieces().push(bytes);
    const cut = new Mp4Pieces();
    const pieces = Array.from(bytes, (_, at) => cut.push(bytes.subarray(at, at + 1))).flat();
    expect(shape(pieces)).toEqual(shape(whole));
    expect(Buffer.concat(whole.map((piece) => piece.bytes))).toEqual(Buffer.from(bytes));
  });

  test("say codecs as MediaSource wants them", async () => {
    const [init] = new Mp4Pieces().push(await bytesOf([aac(0), ...frames(0, 1)]));
    expect(init?.kind === "init" && init.tracks.map(({ codec }) => codec)).toEqual([
      "avc1.42c01e",
      "mp4a.40.2",
    ]);
  });

  test("say when their picture is shown, where frames were dropped too", async () => {
    const bytes = await bytesOf([video(0, true), video(1, false), video(9, false)]);
    const pieces = new Mp4Pieces().push(bytes);
    expect(shape(pieces)).toEqual(["init", "video 0", `video ${1 / 30}`, "video 0.3"]);
  });
});

test("after a restart the cut-off piece of the segment before is forgotten", async () => {
  const bytes = await bytesOf(frames(0, 2));
  const pieces = new Mp4Pieces();
  pieces.push(bytes.subarray(0, bytes.length - 3));
  pieces.restart();
  expect(shape(pieces.push(bytes))).toEqual(["init", "video 0", `video ${1 / 30}`]);
});

test("MPEG-TS is no MP4", () => {
  const packet = new Uint8Array(188).fill(0xff);
  packet[0] = 0x47;
  expect(() => new Mp4Pieces().push(packet)).toThrow(NotMp4);
});
