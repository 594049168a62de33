/** Converts between the pictures of a graph (f32 NHWC, 0 to 1), the planes of networks (f32 NCHW, −1 to 1) and bytes. */

import { WorkerError } from "../../../errors.ts";
import type { Picture } from "../../../media/picture.ts";
import type { PackedPicture } from "../../codec/packed-picture.ts";
import { LATENT_PLACE } from "../../diffusion/sampler/latent.ts";
import type { Images, LatentArea } from "./values.ts";

type Shape = Pick<Images, "batch" | "height" | "width">;

/** `2·v − 1` in planes; the colours of a picture with alpha only. */
export function toPlanes({ data, batch, height, width, channels }: Images): Float32Array {
  const size = height * width;
  const planes = new Float32Array(batch * 3 * size);
  for (let picture = 0; picture < batch; picture++) {
    const from = picture * size * channels;
    for (let channel = 0; channel < 3; channel++) {
      const to = (picture * 3 + channel) * size;
      for (let at = 0; at < size; at++) {
        planes[to + at] = (data[from + at * channels + channel] as number) * 2 - 1;
      }
    }
  }
  return planes;
}

/** `(v + 1) / 2`, clamped to 0 to 1, in pixels. */
export function toPixels(planes: Float32Array, { batch, height, width }: Shape): Images {
  const size = height * width;
  const data = new Float32Array(batch * size * 3);
  for (let picture = 0; picture < batch; picture++) {
    for (let channel = 0; channel < 3; channel++) {
      const from = (picture * 3 + channel) * size;
      const to = picture * size * 3 + channel;
      for (let at = 0; at < size; at++) {
        const half = Math.fround((planes[from + at] as number) + 1) / 2;
        data[to + at * 3] = Math.min(1, Math.max(0, half));
      }
    }
  }
  return { data, batch, height, width, channels: 3 };
}

/** A rectangle of each picture; the same object if it is all of it. */
export function crop(images: Images, { y, x, height, width }: LatentArea): Images {
  if (height === images.height && width === images.width) return images;
  const { batch, channels } = images;
  const row = width * channels;
  const data = new Float32Array(batch * height * row);
  for (let line = 0; line < batch * height; line++) {
    const picture = Math.floor(line / height);
    const source = (picture * images.height + y + (line % height)) * images.width + x;
    data.set(images.data.subarray(source * channels, source * channels + row), line * row);
  }
  return { data, batch, height, width, channels };
}

/**
 * The centre of pictures, with sides that are multiples of 8, as a VAE takes them; the same object where they already are.
 * Throws `invalid_request` for pictures of fewer than 8 pixels a side.
 */
export function croppedToMultiples(images: Images): Images {
  const height = images.height - (images.height % LATENT_PLACE);
  const width = images.width - (images.width % LATENT_PLACE);
  if (height === 0 || width === 0) {
    const problem = `a picture of ${images.width}x${images.height} is too small for a VAE`;
    throw new WorkerError(
      "invalid_request",
      `${problem}: give at least ${LATENT_PLACE}x${LATENT_PLACE}`,
    );
  }
  const y = Math.floor((images.height % LATENT_PLACE) / 2);
  const x = Math.floor((images.width % LATENT_PLACE) / 2);
  return crop(images, { y, x, height, width });
}

/** A picture file's pixels, from 0 to 1. */
export function fromBytes({ data, width, height, channels }: PackedPicture): Images {
  const values = new Float32Array(data.length);
  for (let at = 0; at < values.length; at++) values[at] = (data[at] as number) / 255;
  return { data: values, batch: 1, height, width, channels };
}

/** Eight-bit pixels of one picture of the batch, truncated as ComfyUI's SaveImage does. */
export function toBytes({ data, height, width, channels }: Images, picture: number): Uint8Array {
  const size = height * width * channels;
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at++) {
    bytes[at] = levelOf(data[picture * size + at] as number);
  }
  return bytes;
}

/** A frame's pixels, from 0 to 1. Runs for every frame: one pass over memory, no division. */
export function fromPicture({ data, width, height }: Picture): Images {
  const size = width * height;
  const values = new Float32Array(size * 3);
  for (let at = 0, to = 0; at < size; at++, to += 3) {
    values[to] = SHARES[data[at] as number] as number;
    values[to + 1] = SHARES[data[at + size] as number] as number;
    values[to + 2] = SHARES[data[at + 2 * size] as number] as number;
  }
  return { data: values, batch: 1, height, width, channels: 3 };
}

/** The first picture of the batch in planes of bytes, as `toBytes` makes them; alpha is dropped. Runs for every frame. */
export function toPicture({ data: values, width, height, channels }: Images): Picture {
  const size = width * height;
  const data = new Uint8Array(size * 3);
  for (let at = 0, from = 0; at < size; at++, from += channels) {
    data[at] = levelOf(values[from] as number);
    data[at + size] = levelOf(values[from + 1] as number);
    data[at + 2 * size] = levelOf(values[from + 2] as number);
  }
  return { data, width, height };
}

/** What each byte is of 255. */
const SHARES = Float32Array.from({ length: 256 }, (_, level) => level / 255);

const levelOf = (value: number): number => Math.min(255, Math.max(0, Math.fround(value * 255)));

/** The pictures of a batch, each as a batch of one that shares its memory. */
export function eachOf({ data, batch, ...rest }: Images): Images[] {
  const size = data.length / batch;
  return Array.from({ length: batch }, (_, at) => ({
    ...rest,
    batch: 1,
    data: data.subarray(at * size, (at + 1) * size),
  }));
}

/** Pictures of one size as one batch. Throws where their sizes differ. */
export function stacked(images: readonly Images[]): Images {
  const [first, ...others] = images;
  if (first === undefined) throw new Error("there is no picture");
  if (others.length === 0) return first;
  const differs = others.some(
    ({ width, height, channels }) =>
      width !== first.width || height !== first.height || channels !== first.channels,
  );
  if (differs) throw new Error("the pictures of a batch have different sizes");
  const data = new Float32Array(images.reduce((sum, one) => sum + one.data.length, 0));
  let at = 0;
  for (const one of images) {
    data.set(one.data, at);
    at += one.data.length;
  }
  return { ...first, data, batch: images.length };
}
