/** Reads pictures from outside as inputs of a compiled graph. */
import type { Value } from "../../models/graph-builder.ts";
import { CHANNEL_NAMES } from "./channels.ts";
import type { GraphValue, ImageValue, MaskValue } from "./graph-value.ts";
import { CHANNELS, type ImageMath } from "./image-math.ts";

/** How a picture from outside enters: 8 bits a sample, `[1, height, width, channels]` or planes `[1, channels, …]`. */
export interface PictureFormat {
  readonly width: number;
  readonly height: number;
  /** 4 with transparency, which is not multiplied into the colours. */
  readonly channels: 3 | 4;
  readonly layout: "nhwc" | "nchw";
}

export const formatDims = ({ width, height, channels, layout }: PictureFormat): number[] =>
  layout === "nhwc" ? [1, height, width, channels] : [1, channels, height, width];

/** ComfyUI's mask for a picture without transparency. */
const NO_MASK = { batch: 1, width: 64, height: 64 } as const;

/** The picture in float32, all its channels. */
export function readPicture(math: ImageMath, input: Value, format: PictureFormat): ImageValue {
  const samples = format.layout === "nhwc" ? input : math.graph.transpose(input, 0, 2, 3, 1);
  const value = math.div(math.graph.cast(samples, "float32"), 255);
  return { kind: "image", value, batch: 1, ...format };
}

const solid = (math: ImageMath, level: number, size: typeof NO_MASK): MaskValue =>
  math.mask(math.expand(math.value(level), size.batch, size.height, size.width), size);

/** The mask of a picture of four channels: 1 − alpha. */
const transparency = (math: ImageMath, picture: ImageValue): MaskValue =>
  math.mask(math.sub(1, math.asMask(picture, 3).value), picture);

/** LoadImage and its like: the colours, and the transparency as a mask. */
export function loadedImage(math: ImageMath, picture: ImageValue): readonly GraphValue[] {
  if (picture.channels === 3) return [picture, solid(math, 0, NO_MASK)];
  const colours = math.slice(picture.value, CHANNELS, 0, 3);
  return [math.image(colours, picture, { channels: 3 }), transparency(math, picture)];
}

/** LoadImageMask: one channel; the alpha channel is inverted, and that of an opaque picture is 0. */
export function loadedMask(
  math: ImageMath,
  picture: ImageValue,
  channel: string,
): readonly GraphValue[] {
  if (channel !== "alpha") return [math.asMask(picture, CHANNEL_NAMES.indexOf(channel))];
  if (picture.channels === 4) return [transparency(math, picture)];
  const { batch, height, width } = picture;
  return [math.mask(math.expand(math.value(0), batch, height, width), picture)];
}
