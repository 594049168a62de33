/** Frames to planar RGB and back, through real FFmpeg filters: colours, geometry, odd line sizes. */
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
import type { Fit, Size } from "../../src/engine/protocol/work.ts";
import type { Picture } from "../../src/media/picture.ts";
import { maxDifference, noisePicture, sample } from "../support/onnx-workspace.ts";

beforeAll(quietLibav);

type Rgb = readonly [number, number, number];
const RED: Rgb = [255, 0, 0];
const GREEN: Rgb = [0, 255, 0];
const BLUE: Rgb = [0, 0, 255];
const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];

/** A colour for every point. */
function paint({ width, height }: Size, colour: (x: number, y: number) => Rgb): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (const [channel, value] of colour(x, y).entries()) {
        data[(channel * height + y) * width + x] = value;
      }
    }
  }
  return { data, width, height };
}

/** A colour in each quarter: red and green above, blue and white below. */
const quarters = (size: Size): Picture =>
  paint(size, (x, y) =>
    y < size.height / 2 ? (x < size.width / 2 ? RED : GREEN) : x < size.width / 2 ? BLUE : WHITE,
  );

/** Slow slopes, so that halving the chroma loses little. */
const slopes = (size: Size): Picture =>
  paint(size, (x, y) => [
    Math.round((x / size.width) * 255),
    Math.round((y / size.height) * 255),
    Math.round(128 + 60 * Math.sin((x + y) / 60)),
  ]);

const at = (picture: Picture, x: number, y: number): number[] => {
  const column = Math.min(picture.width - 1, Math.floor(x * picture.width));
  const row = Math.min(picture.height - 1, Math.floor(y * picture.height));
  return [0, 1, 2].map((channel) => sample(picture, channel, column, row));
};

function expectColour(picture: Picture, x: number, y: number, colour: Rgb): void {
  const worst = Math.max(
    ...at(picture, x, y).map((value, index) => Math.abs(value - (colour[index] ?? 0))),
  );
  if (worst > 12) throw new Error(`at ${x}, ${y}: ${at(picture, x, y)} instead of ${colour}`);
}

/** There and back with one converter. */
async function through(
  picture: Picture,
  size: Size,
  fit: Fit,
  target: Size = size,
): Promise<Picture> {
  using converter = new PictureConverter();
  const frame = await converter.toFrame(picture, picture, "stretch");
  try {
    expect([frame.width, frame.height, frame.format]).toEqual([
      picture.width,
      picture.height,
      AV_PIX_FMT_YUV420P,
    ]);
    return await converter.toPicture(frame, size, fit, target);
  } finally {
    frame.free();
  }
}

function meanDifference(a: Picture, b: Picture): number {
  let sum = 0;
  for (const [index, value] of a.data.entries()) sum += Math.abs(value - (b.data[index] ?? 0));
  return sum / a.data.length;
}

const WIDTHS = [64, 66, 70, 322, 426, 500, 512, 642, 854, 1280];

test("RGB to yuv420p and back is near the original at aligned and at odd-aligned widths", async () => {
  for (const width of WIDTHS) {
    const original = slopes({ width, height: 98 });
    const back = await through(original, original, "cover");
    expect([back.width, back.height, back.data.length]).toEqual([width, 98, width * 98 * 3]);
    expect(meanDifference(original, back)).toBeLessThan(2.5);
    expect(maxDifference(original, back)).toBeLessThan(16);
  }
});

test("grey comes back as grey from black to white, also from full-range and HD material", async () => {
  const ramp = paint({ width: 256, height: 16 }, (x) => [x, x, x]);
  expect(maxDifference(ramp, await through(ramp, ramp, "cover"))).toBeLessThan(4);
});

test("every line stays in its row: noise in luma is not sheared", async () => {
  for (const width of WIDTHS) {
    const noise = noisePicture(width, 34);
    const grey = paint(noise, (x, y) => {
      const value = 64 + (sample(noise, 0, x, y) >> 1);
      return [value, value, value];
    });
    expect(maxDifference(grey, await through(grey, grey, "cover"))).toBeLessThan(4);
  }
});

describe("geometry", () => {
  test("stretch keeps all corners", async () => {
    for (const size of [
      { width: 64, height: 200 },
      { width: 322, height: 80 },
    ]) {
      const out = await through(quarters({ width: 200, height: 100 }), size, "stretch");
      expect([out.width, out.height]).toEqual([size.width, size.height]);
      expectColour(out, 0.1, 0.1, RED);
      expectColour(out, 0.9, 0.1, GREEN);
      expectColour(out, 0.1, 0.9, BLUE);
      expectColour(out, 0.9, 0.9, WHITE);
    }
  });

  test("cover cuts the sides of a wide picture and the top of a tall one, about the middle", async () => {
    const wide = paint({ width: 400, height: 100 }, (x) =>
      x < 140 ? RED : x < 200 ? GREEN : x < 260 ? BLUE : WHITE,
    );
    const out = await through(wide, { width: 120, height: 100 }, "cover");
    expectColour(out, 0.1, 0.5, GREEN);
    expectColour(out, 0.45, 0.5, GREEN);
    expectColour(out, 0.55, 0.5, BLUE);
    expectColour(out, 0.9, 0.5, BLUE);
    const tall = paint({ width: 100, height: 400 }, (_, y) =>
      y < 140 ? RED : y < 200 ? GREEN : y < 260 ? BLUE : WHITE,
    );
    const cut = await through(tall, { width: 200, height: 240 }, "cover");
    expectColour(cut, 0.5, 0.1, GREEN);
    expectColour(cut, 0.5, 0.9, BLUE);
  });

  test("contain keeps everything and pads with black, on both sides alike", async () => {
    const out = await through(
      quarters({ width: 200, height: 100 }),
      { width: 200, height: 200 },
      "contain",
    );
    expectColour(out, 0.5, 0.1, BLACK);
    expectColour(out, 0.5, 0.9, BLACK);
    expectColour(out, 0.05, 0.28, RED);
    expectColour(out, 0.95, 0.28, GREEN);
    expectColour(out, 0.05, 0.72, BLUE);
    expectColour(out, 0.95, 0.72, WHITE);
    const tall = await through(
      quarters({ width: 100, height: 200 }),
      { width: 322, height: 200 },
      "contain",
    );
    expectColour(tall, 0.1, 0.5, BLACK);
    expectColour(tall, 0.9, 0.5, BLACK);
    expectColour(tall, 0.4, 0.05, RED);
    expectColour(tall, 0.6, 0.95, WHITE);
  });

  test("a model of a fixed size sees the fitted picture squeezed", async () => {
    const size = { width: 320, height: 160 };
    const target = { width: 96, height: 96 };
    const out = await through(quarters({ width: 160, height: 160 }), size, "contain", target);
    expect([out.width, out.height]).toEqual([96, 96]);
    expectColour(out, 0.1, 0.5, BLACK);
    expectColour(out, 0.3, 0.1, RED);
    expectColour(out, 0.7, 0.9, WHITE);
  });

  test("every fit gives exactly the asked-for size, for awkward sizes too", async () => {
    using converter = new PictureConverter();
    const sizes: Size[] = [
      { width: 64, height: 64 },
      { width: 322, height: 182 },
      { width: 854, height: 480 },
      { width: 66, height: 1024 },
      { width: 1022, height: 64 },
    ];
    for (const from of sizes) {
      const frame = await converter.toFrame(slopes(from), from, "stretch");
      for (const to of [...sizes, { width: 299, height: 299 }]) {
        for (const fit of ["cover", "contain", "stretch"] as const) {
          const { width, height } = await converter.toPicture(frame, to, fit);
          expect([width, height]).toEqual([to.width, to.height]);
          if (to.width % 2 === 1) continue;
          const resized = await converter.resize(frame, to, fit);
          expect([resized.width, resized.height]).toEqual([to.width, to.height]);
          resized.free();
        }
      }
      frame.free();
    }
  });
});

test("a frame that passes through untouched is the frame, and the original stays usable", async () => {
  using converter = new PictureConverter();
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
    using converter = new PictureConverter();
    for (const make of inputs) {
      const frame = make();
      expectColour(await converter.toPicture(frame, size, "cover"), 0.5, 0.5, RED);
      frame.free();
    }
  });

  test("that passes by the model has the matrix and range of those that do not", async () => {
    using converter = new PictureConverter();
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
