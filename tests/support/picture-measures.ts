/** Measures that distinguish pictures. */
import type { Picture } from "../../src/media/picture.ts";

/** A hash: changes with any byte. */
export const digest = ({ data, width, height }: Picture): string =>
  `${width}x${height} ${Bun.hash(data).toString(16)}`;

/** Mean of all samples, 0 to 255. */
export const brightness = ({ data }: Picture): number =>
  data.reduce((sum, sample) => sum + sample, 0) / data.length;

/** Mean difference of the samples of two pictures of the same size, 0 to 255. */
export function meanDifference(one: Picture, other: Picture): number {
  let sum = 0;
  for (const [at, sample] of one.data.entries()) sum += Math.abs(sample - (other.data[at] ?? 0));
  return sum / one.data.length;
}

/** Distance of the histograms of 8 × 8 × 8 colours: 0 if they are equal, 2 if they have no colour in common. */
export function histogramDistance(one: Picture, other: Picture): number {
  const [a, b] = [histogram(one), histogram(other)];
  return a.reduce((sum, share, bin) => sum + Math.abs(share - (b[bin] ?? 0)), 0);
}

function histogram({ data, width, height }: Picture): number[] {
  const plane = width * height;
  const bins = new Array<number>(512).fill(0);
  for (let at = 0; at < plane; at++) {
    const [red = 0, green = 0, blue = 0] = [data[at], data[plane + at], data[2 * plane + at]];
    const bin = ((red >> 5) << 6) | ((green >> 5) << 3) | (blue >> 5);
    bins[bin] = (bins[bin] ?? 0) + 1 / plane;
  }
  return bins;
}
