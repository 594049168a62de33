/** Compares two pictures by the correlation of their channels. */
import type { Picture } from "../../media/picture.ts";

export interface Likeness {
  /** Red follows the other's blue, and blue its red. */
  readonly swapped: boolean;
  /** Bright is dark and dark is bright. */
  readonly inverted: boolean;
}

/** Pictures are compared on a grid of so many cells a side, whatever their sizes. */
const GRID = 32;
/** A correlation that is not by chance, and a difference of two that is not. */
const CLEAR = 0.3;
const MARGIN = 0.2;
const INVERTED = -0.6;

export function likeness(before: Picture, after: Picture): Likeness {
  const [from, to] = [gridOf(before), gridOf(after)];
  const channels = (one: number, other: number): number =>
    correlation(to[one] ?? [], from[other] ?? []);
  const isSwapped = (own: number, other: number): boolean =>
    channels(own, other) > CLEAR && channels(own, other) > channels(own, own) + MARGIN;
  return {
    swapped: isSwapped(0, 2) && isSwapped(2, 0),
    inverted: correlation(sumOf(to), sumOf(from)) < INVERTED,
  };
}

/** The mean of each cell, by channel. */
function gridOf({ data, width, height }: Picture): number[][] {
  return [0, 1, 2].map((channel) => {
    const [sums, counts] = [new Float64Array(GRID * GRID), new Float64Array(GRID * GRID)];
    for (let y = 0; y < height; y++) {
      const row = Math.floor((y * GRID) / height) * GRID;
      for (let x = 0; x < width; x++) {
        const cell = row + Math.floor((x * GRID) / width);
        sums[cell] = (sums[cell] ?? 0) + (data[(channel * height + y) * width + x] ?? 0);
        counts[cell] = (counts[cell] ?? 0) + 1;
      }
    }
    return Array.from(sums, (sum, cell) => sum / (counts[cell] || 1));
  });
}

const sumOf = (channels: readonly (readonly number[])[]): number[] =>
  (channels[0] ?? []).map((_, cell) => channels.reduce((sum, each) => sum + (each[cell] ?? 0), 0));

/** Pearson's coefficient, −1 to 1; 0 where one of the two is constant. */
function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (list: readonly number[]): number =>
    list.reduce((sum, each) => sum + each, 0) / list.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [product, squareA, squareB] = [0, 0, 0];
  for (const [at, value] of a.entries()) {
    const [x, y] = [value - meanA, (b[at] ?? 0) - meanB];
    product += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  return squareA * squareB === 0 ? 0 : product / Math.sqrt(squareA * squareB);
}
