/** Brings pictures to the same number of channels, and masks to the size of a picture. */
import type { ImageValue, MaskValue } from "./graph-value.ts";
import { CHANNELS, type ImageMath } from "./image-math.ts";
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

/** A mask in the size of a picture, resized bilinearly. */
export const fittedMask = (
  math: ImageMath,
  mask: MaskValue,
  to: { readonly width: number; readonly height: number },
): ImageValue => resize(math, math.asImage(mask), to, { method: "bilinear", crop: "disabled" });
