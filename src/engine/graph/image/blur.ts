/** Applies Gaussian blurs to pictures: with ComfyUI's two-dimensional kernels, or in two passes over columns and rows. */
import { linspace } from "../../diffusion/schedule/python-numbers.ts";
import type { ImageValue } from "./graph-value.ts";
import type { ImageMath } from "./image-math.ts";
import type { NodeInputs } from "./node-inputs.ts";
import { torchSum } from "./torch-sum.ts";

const f = Math.fround;

/** The weights of the samples at these places, which add up to 1. */
export function gaussian(places: readonly number[], sigma: number): number[] {
  const weights = places.map((place) => Math.exp(-(place * place) / (2 * sigma * sigma)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** The places of ComfyUI's kernels: −1 to 1 whatever the radius. */
export const relativePlaces = (radius: number): number[] => [...linspace(-1, 1, 2 * radius + 1)];

/** ComfyUI's kernel of two dimensions, row by row, in torch's float32 arithmetic. */
export function kernelOf(radius: number, sigma: number): number[] {
  const places = relativePlaces(radius);
  const weights = places.flatMap((y) =>
    places.map((x) => {
      const distance = f(Math.sqrt(f(f(x * x) + f(y * y))));
      return f(Math.exp(f(-f(distance * distance) / f(2 * sigma * sigma))));
    }),
  );
  const sum = torchSum(weights);
  return weights.map((weight) => f(weight / sum));
}

/**
 * Planes are cut into this many bands of rows, one below the other. ONNX Runtime convolves single channels slowly, and
 * many channels that each have a kernel of their own three to ten times as fast: the bands are such channels.
 */
const BANDS = 16;

/** Weighs neighbours by kernels, one after another; the border mirrors the picture without its outermost samples. */
function convolved(
  math: ImageMath,
  image: ImageValue,
  kernels: readonly { readonly rows: number; readonly weights: readonly number[] }[],
): ImageValue {
  const planes = math.reshape(math.toPlanes(image), -1, image.height, image.width);
  const result = kernels.reduce((value, { rows, weights }) => {
    const columns = weights.length / rows;
    const [above, before] = [(rows - 1) / 2, (columns - 1) / 2];
    const height = Math.ceil(image.height / BANDS);
    const channels = image.batch * image.channels * BANDS;
    const banded = math.gather(value, 1, bandRows(image.height, above));
    const pads = math.ints(0, 0, before, 0, 0, before);
    const padded = math.graph.node("Pad", [banded, pads], { mode: "reflect" });
    const bands = math.reshape(padded, 1, channels, height + 2 * above, image.width + 2 * before);
    const kernel = math.graph.constant(
      "float32",
      [channels, 1, rows, columns],
      new Array(channels).fill(weights).flat(),
    );
    const sums = math.graph.node("Conv", [bands, kernel], { group: BigInt(channels) });
    const joined = math.reshape(sums, -1, height * BANDS, image.width);
    return math.slice(joined, 1, 0, image.height);
  }, planes);
  return math.fromPlanes(result, image);
}

/** The rows of all bands of a plane, each with `around` more at both ends, beyond the border mirrored. */
function bandRows(height: number, around: number): number[] {
  const length = Math.ceil(height / BANDS);
  return Array.from({ length: BANDS * (length + 2 * around) }, (_, at) => {
    const [band, row] = [Math.floor(at / (length + 2 * around)), at % (length + 2 * around)];
    // The last band may reach further than the border mirrors: what it gives there is cut off.
    const place = Math.abs(Math.min(band * length + row - around, height - 1 + around));
    return place < height ? place : 2 * (height - 1) - place;
  });
}

/** Weighs neighbours along columns and then rows by the same weights. */
export const blurred = (
  math: ImageMath,
  image: ImageValue,
  weights: readonly number[],
): ImageValue =>
  convolved(math, image, [
    { rows: 1, weights },
    { rows: weights.length, weights },
  ]);

/**
 * Kernels up to this radius are applied whole, which is equal to ComfyUI's result more often. Larger ones are taken
 * apart into columns and rows: that costs 2 instead of `2 · radius + 1` products for each row of the kernel.
 */
export const MAX_WHOLE_RADIUS = 3;

export const whole = (
  math: ImageMath,
  image: ImageValue,
  weights: readonly number[],
): ImageValue => {
  const rows = Math.sqrt(weights.length);
  return convolved(math, image, [{ rows, weights }]);
};

/** Refuses a radius that mirrors more than there is. */
export function checkRadius(inputs: NodeInputs, name: string, radius: number, image: ImageValue) {
  const most = Math.min(image.width, image.height) - 1;
  if (radius > most) {
    const size = `${image.width}x${image.height}`;
    throw inputs.refusal(
      name,
      `reaches ${radius} pixels; at most ${most} fit a picture of ${size}`,
    );
  }
}
