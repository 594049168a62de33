/** Computes which samples, with which weights, make each sample of a resized row of a latent, as torch's `interpolate` does. */

import { type Kernel, nearestSamples } from "../image/resample-taps.ts";

/** Planes f32 `[batch, channels, height, width]`. */
export interface Planes {
  readonly values: Float32Array;
  readonly shape: readonly [batch: number, channels: number, height: number, width: number];
}

export interface PlaneSize {
  readonly width: number;
  readonly height: number;
}

/** For each place of the result, the places that it is made of and their weights. */
export type Taps = readonly {
  readonly at: readonly number[];
  readonly weights: readonly number[];
}[];

export const nearestTaps =
  (kernel: Kernel) =>
  (from: number, to: number): Taps =>
    nearestSamples(from, to, kernel).map((at) => ({ at: [at], weights: [1] }));

export function bilinearTaps(from: number, to: number): Taps {
  return Array.from({ length: to }, (_, i) => {
    const position = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.min(from - 1, Math.floor(position));
    const share = position - low;
    return { at: [low, Math.min(from - 1, low + 1)], weights: [1 - share, share] };
  });
}

/** The average of all places that a result place touches. */
export function areaTaps(from: number, to: number): Taps {
  return Array.from({ length: to }, (_, i) => {
    const start = Math.floor((i * from) / to);
    const count = Math.ceil(((i + 1) * from) / to) - start;
    return {
      at: Array.from({ length: count }, (_, tap) => start + tap),
      weights: new Array<number>(count).fill(1 / count),
    };
  });
}

/** Keys 1981 with a = −0.75; places beyond an edge repeat it. */
export function bicubicTaps(from: number, to: number): Taps {
  const a = -0.75;
  const near = (d: number): number => ((a + 2) * d - (a + 3)) * d * d + 1;
  const far = (d: number): number => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return Array.from({ length: to }, (_, i) => {
    const position = ((i + 0.5) * from) / to - 0.5;
    const low = Math.floor(position);
    const share = position - low;
    return {
      at: [-1, 0, 1, 2].map((offset) => Math.min(from - 1, Math.max(0, low + offset))),
      weights: [far(1 + share), near(share), near(1 - share), far(2 - share)],
    };
  });
}
