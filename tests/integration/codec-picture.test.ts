/** Tests conversion of frames to planar RGB and back by FFmpeg: colours and odd line sizes. */
import { beforeAll, describe, expect, test } from "bun:test";
import type { AVColorRange, AVColorSpace } from "node-av/constants";
import {
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT709,
  AVCOL_SPC_SMPTE170M,
} from "node-av/constants";
import { AV_PIX_FMT_YUV420P, Frame, quietLibav } from "../../src/engine/codec/libav.ts";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { Picture } from "../../src/media/picture.ts";
import { maxDifference, noisePicture, sample } from "../support/onnx-workspace.ts";
import { expectColour, paint, quarters, RED, slopes, through } from "../support/painted-picture.ts";

beforeAll(quietLibav);

function meanDifference(a: Picture, b: Picture): number {
  let sum = 0;
  for (const [index, value] of a.data.entries()) sum += Math.abs(value - (b.data[index] ?? 0));
  return sum / a.data.length;
}

const WIDTHS = [64, 66, 70, 322, 426, 500, 512, 642, 854, 1280];

test("RGB to yuv420p and back is close to the original at aligned and unaligned widths", async () => {
  for (const width of WIDTHS) {
    const original = slopes({ width, height: 98 });
    const back = await through(original, original, "cover");
    expect([back.width, back.height, back.data.length]).toEqual([width, 98, width * 98 * 3]);
    expect(meanDifference(original, back)).toBeLessThan(2.5);
    expect(maxDifference(original, back)).toBeLessThan(16);
  }
});

test("grey stays grey from black to white", async () => {
  const ramp = paint({ width: 256, height: 16 }, (x) => [x, x, x]);
  expect(maxDifference(ramp, await through(ramp, ramp, "cover"))).toBeLessThan(4);
});

test("rows are not shifted: noise in luma comes back unchanged", async () => {
  for (const width of WIDTHS) {
    const noise = noisePicture(width, 34);
    const grey = paint(noise, (x, y) => {
      const value = 64 + (sample(noise, 0, x, y) >> 1);
      return [value, value, value];
    });
    expect(maxDifference(grey, await through(grey, grey, "cover"))).toBeLessThan(4);
  }
});

test("conversions that are asked for at the same time are made one after the other, also of several sizes", async () => {
  using converter = new PictureConverter(UNRECORDED_CALLS);
  const size = { width: 322, height: 182 };
  const pictures = [quarters(size), noisePicture(size.width, size.height)];
  const frames: Frame[] = [];
  for (const picture of pictures) frames.push(await converter.toFrame(picture, size, "stretch"));
  const asked = frames.flatMap((frame) =>
    [size, { width: 64, height: 36 }].map((target) => ({ frame, target })),
  );
  const convert = ({ frame, target }: (typeof asked)[number]) =>
    converter.toPicture(frame, target, "stretch");
  const alone: Picture[] = [];
  for (const each of asked) alone.push(await convert(each));
  expect(await Promise.all(asked.map(convert))).toEqual(alone);
  for (const frame of frames) frame.free();
});

test("a frame that needs no conversion passes through, and the original stays usable", async () => {
  using converter = new PictureConverter(UNRECORDED_CALLS);
  const size = { width: 322, height: 182 };
  const frame = await converter.toFrame(quarters(size), size, "stretch");
  const passed = await converter.resize(frame, size, "cover");
  const picture = await converter.toPicture(passed, size, "cover");
  passed.free();
  const again = await converter.toPicture(frame, size, "cover");
  frame.free();
  expect(maxDifference(picture, again)).toBe(0);
});

describe("a red picture in another matrix or range", () => {
  const size = { width: 64, height: 64 };
  const red = (space: AVColorSpace, range: AVColorRange, yuv: readonly number[]): Frame => {
    const frame = new Frame();
    frame.alloc();
    frame.width = size.width;
    frame.height = size.height;
    frame.format = AV_PIX_FMT_YUV420P;
    frame.getBuffer();
    frame.colorSpace = space;
    frame.colorRange = range;
    for (const [plane, value] of yuv.entries()) frame.data?.[plane]?.fill(value);
    return frame;
  };
  const inputs = [
    () => red(AVCOL_SPC_BT709, AVCOL_RANGE_MPEG, [63, 102, 240]),
    () => red(AVCOL_SPC_SMPTE170M, AVCOL_RANGE_MPEG, [81, 90, 240]),
    () => red(AVCOL_SPC_SMPTE170M, AVCOL_RANGE_JPEG, [76, 85, 255]),
  ];

  test("is red to a model", async () => {
    using converter = new PictureConverter(UNRECORDED_CALLS);
    for (const make of inputs) {
      const frame = make();
      expectColour(await converter.toPicture(frame, size, "cover"), 0.5, 0.5, RED);
      frame.free();
    }
  });

  test("that passes through without a model gets the same matrix and range as others", async () => {
    using converter = new PictureConverter(UNRECORDED_CALLS);
    for (const make of inputs) {
      for (const to of [size, { width: 128, height: 128 }]) {
        const frame = make();
        const passed = await converter.resize(frame, to, "cover");
        const [y = 0, u = 0, v = 0] = [0, 1, 2].map((plane) => passed.data?.[plane]?.[10] ?? 0);
        expect(Math.max(Math.abs(y - 81), Math.abs(u - 90), Math.abs(v - 240))).toBeLessThan(3);
        passed.free();
        frame.free();
      }
    }
  });
});
