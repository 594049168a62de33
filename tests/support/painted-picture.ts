/** Paints pictures, converts them to frames and back, and compares their colours. */
import { expect } from "bun:test";
import { AV_PIX_FMT_YUV420P } from "../../src/engine/codec/libav.ts";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { Fit, Size } from "../../src/engine/protocol/work.ts";
import type { Picture } from "../../src/media/picture.ts";
import { sample } from "./onnx-workspace.ts";

export type Rgb = readonly [number, number, number];
export const RED: Rgb = [255, 0, 0];
export const GREEN: Rgb = [0, 255, 0];
export const BLUE: Rgb = [0, 0, 255];
export const WHITE: Rgb = [255, 255, 255];
export const BLACK: Rgb = [0, 0, 0];

/** A picture with a colour for every point. */
export function paint({ width, height }: Size, colour: (x: number, y: number) => Rgb): Picture {
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
export const quarters = (size: Size): Picture =>
  paint(size, (x, y) =>
    y < size.height / 2 ? (x < size.width / 2 ? RED : GREEN) : x < size.width / 2 ? BLUE : WHITE,
  );

/** Gentle gradients, so that halving the chroma loses little. */
export const slopes = (size: Size): Picture =>
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

export function expectColour(picture: Picture, x: number, y: number, colour: Rgb): void {
  const worst = Math.max(
    ...at(picture, x, y).map((value, index) => Math.abs(value - (colour[index] ?? 0))),
  );
  if (worst > 12) throw new Error(`at ${x}, ${y}: ${at(picture, x, y)} instead of ${colour}`);
}

/** Converts a picture to a frame and back with one converter. */
export async function through(
  picture: Picture,
  size: Size,
  fit: Fit,
  target: Size = size,
): Promise<Picture> {
  using converter = new PictureConverter(UNRECORDED_CALLS);
  const frame = await converter.toFrame(picture, picture, "stretch");
  try {
    expect([frame.width, frame.height, frame.format]).toEqual([
      picture.width,
      picture.height,
      AV_PIX_FMT_YUV420P,
    ]);
    return await converter.toPicture(frame, size, fit, { target });
  } finally {
    frame.free();
  }
}
