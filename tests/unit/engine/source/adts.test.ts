import { describe, expect, test } from "bun:test";
import { AdtsReader } from "../../../../src/engine/source/adts.ts";
import { concat } from "../../../support/ts-builder.ts";

interface FrameOptions {
  readonly crc?: boolean;
  readonly rateIndex?: number;
  readonly channels?: number;
}

function frame(size: number, { crc = false, rateIndex = 3, channels = 2 }: FrameOptions = {}) {
  const length = size + (crc ? 9 : 7);
  const bytes = new Uint8Array(length).fill(size & 0x7f);
  bytes.set([
    0xff,
    crc ? 0xf0 : 0xf1,
    0x40 | (rateIndex << 2) | (channels >> 2),
    ((channels & 3) << 6) | (length >> 11),
    (length >> 3) & 0xff,
    ((length & 7) << 5) | 0x1f,
    0xfc,
  ]);
  return bytes;
}

const sizes = (bytes: Uint8Array): number[] =>
  new AdtsReader().read(bytes).map(({ data }) => data.length);

test("frames come without their headers, with and without checksum", () => {
  const frames = new AdtsReader().read(concat([frame(100), frame(200, { crc: true }), frame(300)]));
  expect(frames.map(({ data }) => data.length)).toEqual([100, 200, 300]);
  expect(frames[1]?.data).toEqual(new Uint8Array(200).fill(200 & 0x7f));
});

test("sample rate and channels are the header's", () => {
  expect(new AdtsReader().read(frame(9, { rateIndex: 4, channels: 1 }))).toMatchObject([
    { sampleRate: 44_100, channels: 1 },
  ]);
  expect(new AdtsReader().read(frame(9, { rateIndex: 11, channels: 6 }))).toMatchObject([
    { sampleRate: 8000, channels: 6 },
  ]);
});

test("a rate that does not exist makes no frame", () => {
  expect(sizes(frame(9, { rateIndex: 13 }))).toEqual([]);
});

test("garbage before and between frames is skipped", () => {
  const garbage = Uint8Array.from([0xff, 0xe1, 0xff, 0xf3, 1, 2, 0xff]);
  expect(sizes(concat([garbage, frame(50), garbage, frame(60)]))).toEqual([50, 60]);
});

test("an incomplete last frame is left out at every length", () => {
  const bytes = concat([frame(30), frame(40)]);
  for (let cut = 37; cut < bytes.length; cut++) expect(sizes(bytes.subarray(0, cut))).toEqual([30]);
});

describe("a frame over two payloads", () => {
  test("is found wherever it is cut, and said to have begun before", () => {
    const bytes = concat([frame(30), frame(40), frame(50)]);
    for (let cut = 1; cut < bytes.length; cut++) {
      const reader = new AdtsReader();
      const before = reader.read(bytes.subarray(0, cut));
      const after = reader.read(bytes.subarray(cut));
      expect([...before, ...after].map(({ data }) => data.length)).toEqual([30, 40, 50]);
      const atBorder = cut === 37 || cut === 37 + 47;
      expect(after.map(({ carried }) => carried)).toEqual(
        after.map((_, i) => i === 0 && !atBorder),
      );
    }
  });

  test("whose end was lost takes nothing of the next one", () => {
    const reader = new AdtsReader();
    reader.read(frame(300).subarray(0, 100));
    expect(reader.read(frame(60)).map(({ data }) => data)).toEqual([frame(60).subarray(7)]);
    reader.read(frame(300).subarray(0, 100));
    reader.drop();
    expect(reader.read(frame(300).subarray(100))).toEqual([]);
  });
});

test("eight channels have their own configuration, and none said means stereo", () => {
  const channels = [7, 0].map((own) => new AdtsReader().read(frame(9, { channels: own })));
  expect(channels.map(([only]) => only?.channels)).toEqual([8, 2]);
});
