/**
 * Computes which samples, with which weights, make each sample of a resized row: for torch's `interpolate` without
 * antialiasing and with corners not aligned, in its float32 arithmetic, and for Pillow's Lanczos filter.
 */

const f = Math.fround;

/** One share of all resized samples: sample `o` gets `weights[o]` times the source sample `indices[o]`. */
export interface Tap {
  readonly indices: readonly number[];
  /** Null where every weight is 1. */
  readonly weights: readonly number[] | null;
}

/** The taps in the order in which their products are added. */
export type Taps = readonly Tap[];

/**
 * Weights that add up to 1, as differences from one sample: `base + Σ weight · (sample − base)`. In float32 that is
 * nearer to torch's fused multiply-adds than a sum of products, and exact where all samples are equal.
 */
export interface Interpolation {
  readonly base: readonly number[];
  readonly others: Taps;
}

const count = (length: number): number[] => Array.from({ length }, (_, index) => index);

/**
 * Which of torch's kernels resizes. The general one computes a place with a fused multiply-add, so that a place on the
 * border of two samples may fall to the other one.
 */
export type Kernel = "general" | "vectorized";

/** torch's choice; `isPacked`: the channels of a pixel lie together, and there are more than three. */
export const kernelFor = (
  { width, height }: { readonly width: number; readonly height: number },
  isPacked: boolean,
): Kernel => (isPacked || width + height <= 128 ? "vectorized" : "general");

/** The sample that each resized sample takes. */
export function nearestSamples(from: number, to: number, kernel: Kernel): number[] {
  const scale = f(from / to);
  // In double precision the product is exact: one rounding, as in a fused multiply-add.
  const place = (o: number): number =>
    kernel === "vectorized"
      ? f((o + 0.5) * scale)
      : f(Math.max(0, f((o + 0.5) * scale - 0.5)) + 0.5);
  return count(to).map((o) => Math.min(from - 1, Math.floor(place(o))));
}

export const nearestExact =
  (kernel: Kernel) =>
  (from: number, to: number): Interpolation => ({
    base: nearestSamples(from, to, kernel),
    others: [],
  });

export function bilinear(from: number, to: number): Interpolation {
  const scale = f(from / to);
  const places = count(to).map((o) => Math.max(0, f(scale * f(o + 0.5) - 0.5)));
  const base = places.map((place) => Math.min(from - 1, Math.floor(place)));
  const indices = base.map((index) => Math.min(from - 1, index + 1));
  const weights = places.map((place, o) => f(place - (base[o] as number)));
  return { base, others: [{ indices, weights }] };
}

/** The parameter of the cubic convolution. */
const A = -0.75;

/** Four neighbours; the base is the second one. */
export function bicubic(from: number, to: number): Interpolation {
  const scale = f(from / to);
  const places = count(to).map((o) => f(scale * f(o + 0.5) - 0.5));
  const shares = places.map((place) => f(place - Math.floor(place)));
  const neighbour = (offset: number): number[] =>
    places.map((place) => Math.min(from - 1, Math.max(0, Math.floor(place) + offset)));
  return {
    base: neighbour(0),
    others: [
      { indices: neighbour(-1), weights: shares.map((t) => outerCubic(f(t + 1))) },
      { indices: neighbour(1), weights: shares.map((t) => innerCubic(f(1 - t))) },
      { indices: neighbour(2), weights: shares.map((t) => outerCubic(f(2 - t))) },
    ],
  };
}

/** Within one sample of the centre. */
const innerCubic = (x: number): number => f(f(f(f(f(A + 2) * x) - f(A + 3)) * x) * x + 1);

/** From one to two samples away. */
const outerCubic = (x: number): number => f(f(f(f(f(f(A * x) - 5 * A) * x) + 8 * A) * x) - 4 * A);

/** The windows of `area` (adaptive average): sums with weights of 1 and 0, to be divided by `counts`. */
export function areaTaps(from: number, to: number): { taps: Taps; counts: readonly number[] } {
  const starts = count(to).map((o) => Math.floor((o * from) / to));
  const counts = count(to).map((o) => Math.ceil(((o + 1) * from) / to) - (starts[o] as number));
  const taps = count(Math.max(...counts)).map((tap) => ({
    indices: starts.map((start) => Math.min(from - 1, start + tap)),
    weights: counts.every((each) => tap < each) ? null : counts.map((each) => Number(tap < each)),
  }));
  return { taps, counts };
}

/** Bits after the point in Pillow's weights for pictures of 8 bits. */
export const LANCZOS_BITS = 22;
const LANCZOS_REACH = 3;

/** Whole weights, each the share times 2^LANCZOS_BITS. */
export function lanczosTaps(from: number, to: number): Taps {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const reach = LANCZOS_REACH * stretch;
  const rows = count(to).map((o) => {
    const centre = (o + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(from, Math.trunc(centre + reach + 0.5));
    const shares = count(end - start).map((k) => lanczos((k + start - centre + 0.5) / stretch));
    const sum = shares.reduce((total, share) => total + share, 0);
    return { start, weights: shares.map((share) => fixedPoint(sum === 0 ? share : share / sum)) };
  });
  return count(Math.max(...rows.map(({ weights }) => weights.length))).map((tap) => ({
    indices: rows.map(({ start }) => Math.min(from - 1, start + tap)),
    weights: rows.map(({ weights }) => weights[tap] ?? 0),
  }));
}

/** Since version 13, Pillow begins with the height where that shrinks by more than twice as many samples as the width. */
export const isDownFirst = (from: Sides, to: Sides): boolean =>
  from.height - to.height > Math.max(0, 2 * (from.width - to.width));

interface Sides {
  readonly width: number;
  readonly height: number;
}

const fixedPoint = (share: number): number =>
  Math.trunc(share * 2 ** LANCZOS_BITS + (share < 0 ? -0.5 : 0.5));

const lanczos = (x: number): number =>
  x >= -LANCZOS_REACH && x < LANCZOS_REACH ? sinc(x) * sinc(x / LANCZOS_REACH) : 0;

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));
