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
