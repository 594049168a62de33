/** Blurs pictures by a Gaussian, with ComfyUI's kernels or by columns and rows. */
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

/** Weighs neighbours by kernels, one after another; the border mirrors the picture without its outermost samples. */
function convolved(
  math: ImageMath,
  image: ImageValue,
  radius: number,
  kernels: readonly { readonly rows: number; readonly weights: readonly number[] }[],
): ImageValue {
  const { graph } = math;
  const pads = math.ints(0, 0, radius, radius, 0, 0, radius, radius);
  const padded = graph.node("Pad", [math.toPlanes(image), pads], { mode: "reflect" });
  const planes = kernels.reduce((value, { rows, weights }) => {
    const dims = [1, 1, rows, weights.length / rows];
    return graph.node("Conv", [value, graph.constant("float32", dims, weights)]);
  }, padded);
  return math.fromPlanes(planes, image);
}

/** Weighs neighbours along columns and then rows by the same weights. */
export const blurred = (
  math: ImageMath,
  image: ImageValue,
  weights: readonly number[],
): ImageValue =>
  convolved(math, image, (weights.length - 1) / 2, [
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
  return convolved(math, image, (rows - 1) / 2, [{ rows, weights }]);
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
