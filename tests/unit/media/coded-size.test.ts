import { expect, test } from "bun:test";
import { codedSizeOf } from "../../../src/media/coded-size.ts";
import type { VideoCodec } from "../../../src/media/encoded-packet.ts";
import { H264NalReader } from "../../../src/media/h264.ts";
import { hevcSlice, slice } from "../../support/nal-builder.ts";
import { concat } from "../../support/ts-builder.ts";

const nal = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(`00000001${hex}`, "hex"));

/** Parameter sets of x264 and x265: what they were made for, and what they say. */
const SETS: readonly (readonly [name: string, VideoCodec, string, [number, number]])[] = [
  ["1080p, High", "h264", "67640028acd940780227e5c04400000fa40003a9803c60c658", [1920, 1088]],
  [
    "576i, 4:2:2, 10 bits",
    "h264",
    "677a001eb6cd940b424d808800000300080000030190f8a14cb0",
    [720, 576],
  ],
  ["360p, 4:4:4", "h264", "67f4001e918da0280bfe27011000000300100000030328f162ea", [640, 368]],
  [
    "720p, three temporal layers",
    "hevc",
    "420101022000000300900000030000030078a00280802d1365959a4932bc05a020000003002000000641",
    [1280, 720],
  ],
  [
    "322x242, 4:4:4",
    "hevc",
    "4201010408000003009e0800000300003c90014901f39e7cb2b349265780b4040000030004000003006420",
    [328, 248],
  ],
];

for (const [name, codec, hex, [width, height]] of SETS) {
  test(`the size of ${codec} is read before it is decoded: ${name}`, () => {
    const picture = codec === "h264" ? slice({ idr: true }) : hevcSlice(19);
    expect(codedSizeOf(codec, concat([nal(hex), picture]))).toMatchObject({ width, height });
    expect(codedSizeOf(codec, picture)).toBeNull();
  });
}

/** Key frames of libvpx, libaom and SVT-AV1, up to behind their sizes. */
const KEY_FRAMES: readonly (readonly [name: string, VideoCodec, string, [number, number]])[] = [
  ["VP8", "vp8", "f04f009d012a4201f200", [322, 242]],
  ["VP9", "vp9", "82498342004ff02d1606", [1280, 722]],
  ["VP9, 4:4:4, 10 bits", "vp9", "b124c1a10000a2807ab031c1", [326, 246]],
  ["VP9, RGB", "vp9", "a2498342e014500f56", [326, 246]],
  ["AV1 of SVT-AV1", "av1", "12000a0b00000042abbfc3712be401320410001000", [1920, 1080]],
  ["AV1 of libaom", "av1", "0a0b000000043d17d4daf90040320410001000", [326, 246]],
];

for (const [name, codec, hex, [width, height]] of KEY_FRAMES) {
  test(`the size of a key frame is read before it is decoded: ${name}`, () => {
    const frame = Uint8Array.from(Buffer.from(hex, "hex"));
    expect(codedSizeOf(codec, frame)).toEqual({ width, height });
    for (let bytes = 0; bytes < frame.length; bytes++) {
      const size = codedSizeOf(codec, frame.subarray(0, bytes));
      expect(size === null || (size.width === width && size.height === height)).toBe(true);
    }
  });
}

test("frames that are no key frames have no size", () => {
  const frames = [
    ["vp8", "f10d000d11b400199d01"],
    ["vp9", "86004092f1214006"],
    ["av1", "1200322c30020000"],
  ] as const;
  for (const [codec, hex] of frames) {
    expect(codedSizeOf(codec, Uint8Array.from(Buffer.from(hex, "hex")))).toBeNull();
  }
});

test("a parameter set that is cut short has no size, and never throws", () => {
  for (const [, codec, hex] of SETS) {
    const whole = nal(hex);
    for (let bytes = 5; bytes < 12; bytes++) {
      expect(codedSizeOf(codec, whole.subarray(0, bytes))).toBeNull();
    }
    for (let bytes = 12; bytes < whole.length; bytes++)
      codedSizeOf(codec, whole.subarray(0, bytes));
  }
});

test("the largest of several sizes counts", () => {
  const sets = SETS.filter(([, codec]) => codec === "h264").map(([, , hex]) => nal(hex));
  expect(codedSizeOf("h264", concat(sets))).toMatchObject({ width: 1920, height: 1088 });
});

test("a frame lasts what the timing information of H.264 says", () => {
  const durations = SETS.filter(([, codec]) => codec === "h264").map(([, , hex]) => {
    const reader = new H264NalReader();
    reader.read(nal(hex).subarray(4));
    return Math.round(reader.frameDuration ?? 0);
  });
  expect(durations).toEqual([3003, 3600, 3600]);
});
