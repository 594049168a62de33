/** Resizes pictures with Pillow's Lanczos filter, as diffusers does with control pictures. */
import { isDownFirst, LANCZOS_BITS, lanczosTaps, type Taps } from "../graph/image/resample-taps.ts";
import type { StillPicture } from "../models/roles/role.ts";
import type { Size } from "../protocol/work.ts";

const CHANNELS = 3;
const UNIT = 2 ** LANCZOS_BITS;

/** The picture stretched to a size, to the level as Pillow 13 gives it; one of that size is given as it is. */
export function resizedAsPillow(picture: StillPicture, { width, height }: Size): StillPicture {
  if (picture.width === width && picture.height === height) return picture;
  const across = (one: StillPicture): StillPicture => resizedColumns(one, width);
  const down = (one: StillPicture): StillPicture => resizedRows(one, height);
  return isDownFirst(picture, { width, height }) ? across(down(picture)) : down(across(picture));
}

function resizedColumns(picture: StillPicture, width: number): StillPicture {
  if (picture.width === width) return picture;
  const taps = lanczosTaps(picture.width, width);
  const lines = CHANNELS * picture.height;
  const data = new Uint8Array(lines * width);
  for (let line = 0; line < lines; line++) {
    for (let x = 0; x < width; x++) {
      const sample = (index: number) => picture.data[line * picture.width + index] as number;
      data[line * width + x] = weighed(taps, x, sample);
    }
  }
  return { data, width, height: picture.height };
}

function resizedRows(picture: StillPicture, height: number): StillPicture {
  if (picture.height === height) return picture;
  const taps = lanczosTaps(picture.height, height);
  const { width } = picture;
  const data = new Uint8Array(CHANNELS * height * width);
  for (let at = 0; at < data.length; at++) {
    const [x, y] = [at % width, Math.floor(at / width) % height];
    const plane = Math.floor(at / (width * height)) * picture.height;
    const sample = (index: number) => picture.data[(plane + index) * width + x] as number;
    data[at] = weighed(taps, y, sample);
  }
  return { data, width, height };
}

/** Sums stay below 2⁵³: they are exact. */
function weighed(taps: Taps, place: number, sample: (index: number) => number): number {
  let sum = UNIT / 2;
  for (const { indices, weights } of taps) {
    sum += sample(indices[place] as number) * (weights?.[place] ?? UNIT);
  }
  return Math.min(255, Math.max(0, Math.floor(sum / UNIT)));
}
