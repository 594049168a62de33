/** Lists, for each place of a resized row of a latent, the places that it is made of, with torch's weights. */
import {
  bicubic,
  bilinear,
  type Interpolation,
  type Kernel,
  nearestSamples,
  areaTaps as windows,
} from "../image/resample-taps.ts";

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

export const bilinearTaps = (from: number, to: number): Taps => byPlace(bilinear(from, to));

/** Places beyond an edge repeat it. */
export const bicubicTaps = (from: number, to: number): Taps => byPlace(bicubic(from, to));

/** The average of all places that a result place touches. */
export function areaTaps(from: number, to: number): Taps {
  const { taps, counts } = windows(from, to);
  return counts.map((count, place) => ({
    at: taps.slice(0, count).map(({ indices }) => indices[place] as number),
    weights: new Array<number>(count).fill(1 / count),
  }));
}

function byPlace({ base, others }: Interpolation): Taps {
  return base.map((at, place) => {
    const weights = others.map((tap) => tap.weights?.[place] ?? 1);
    const rest = weights.reduce((sum, weight) => sum + weight, 0);
    const neighbours = others.map(({ indices }) => indices[place] as number);
    return { at: [at, ...neighbours], weights: [1 - rest, ...weights] };
  });
}
