/** Computes the nodes that take pictures apart into channels and join them, and makes numbers of channels agree. */
import type { ImageValue, MaskValue } from "./graph-value.ts";
import { BATCH, CHANNELS, type ImageMath } from "./image-math.ts";
import type { Fragments } from "./node-inputs.ts";
import { resize } from "./resample.ts";

/** In the order of a picture's channels. */
export const CHANNEL_NAMES = ["red", "green", "blue", "alpha"];

/** A picture with `channels` channels: those that are missing are 1, those beyond are dropped. */
export function withChannels(math: ImageMath, image: ImageValue, channels: number): ImageValue {
  if (image.channels === channels) return image;
  if (image.channels > channels) {
    return math.image(math.slice(image.value, CHANNELS, 0, channels), image, { channels });
  }
  const opaque = math.filled({ ...image, channels: channels - image.channels }, 1);
  return math.image(math.concat(CHANNELS, image.value, opaque.value), image, { channels });
}

/** The first `length` pictures of a batch. */
export const firstOf = (math: ImageMath, image: ImageValue, length: number): ImageValue =>
  image.batch <= length
    ? image
    : math.image(math.slice(image.value, BATCH, 0, length), image, { batch: length });

/** A mask in the size of a picture, resized bilinearly. */
export const fittedMask = (
  math: ImageMath,
  mask: MaskValue,
  to: { readonly width: number; readonly height: number },
): ImageValue => resize(math, math.asImage(mask), to, { method: "bilinear", crop: "disabled" });

export const CHANNEL_FRAGMENTS: Fragments = {
  ImageToMask(inputs, math) {
    const image = inputs.image("image");
    const channel = inputs.word("channel");
    const index = CHANNEL_NAMES.indexOf(channel);
    if (index >= image.channels) {
      throw inputs.refusal("channel", `is ${channel}, but the picture has no such channel`);
    }
    return [math.asMask(image, index)];
  },

  MaskToImage(inputs, math) {
    const mask = inputs.mask("mask");
    const { batch, height, width } = mask;
    const grey = math.asImage(mask);
    return [math.image(math.expand(grey.value, batch, height, width, 3), grey, { channels: 3 })];
  },

  /** 1 where the colour, rounded to 8 bits, is exactly this one. */
  ImageColorToMask(inputs, math) {
    const image = withChannels(math, inputs.image("image"), 3);
    const colour = inputs.number("color");
    const wanted = [16, 8, 0].map((shift) => (colour >> shift) & 0xff);
    const bytes = math.round(math.mul(math.clamp(image.value), 255));
    const apart = math.abs(math.sub(bytes, math.along(CHANNELS, wanted)));
    const greatest = math.graph.node("ReduceMax", [apart], { axes: [3n], keepdims: 0n });
    return [math.mask(math.indicator(math.lessOrEqual(greatest, 0)), image)];
  },

  /** The alpha channel is 1 − mask. */
  JoinImageWithAlpha(inputs, math) {
    const [image, mask] = [inputs.image("image"), inputs.mask("alpha")];
    const batch = Math.min(image.batch, mask.batch);
    const colours = firstOf(math, withChannels(math, image, 3), batch);
    const alpha = firstOf(math, fittedMask(math, mask, image), batch);
    const joined = math.concat(CHANNELS, colours.value, math.sub(1, alpha.value));
    return [math.image(joined, colours, { channels: 4 })];
  },

  SplitImageWithAlpha(inputs, math) {
    const image = inputs.image("image");
    const alpha = math.asMask(withChannels(math, image, 4), 3);
    return [withChannels(math, image, 3), math.mask(math.sub(1, alpha.value), image)];
  },
};
