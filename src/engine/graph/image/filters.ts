/** Computes the nodes that change colours: inversion, blur, sharpening, noise. */
import { linspace } from "../../diffusion/schedule/python-numbers.ts";
import { countOf } from "../../models/tensor.ts";
import { TorchGenerator } from "../../random/torch-noise.ts";
import { dimsOf, type ImageValue } from "./graph-value.ts";
import type { ImageMath } from "./image-math.ts";
import type { Fragments, NodeInputs } from "./node-inputs.ts";
import { torchSum } from "./torch-sum.ts";

const f = Math.fround;

/** Samples: the noise is part of the ONNX file. */
const MAX_NOISE = 2 ** 24;

/** The weights of the samples at these places, which add up to 1. */
export function gaussian(places: readonly number[], sigma: number): number[] {
  const weights = places.map((place) => Math.exp(-(place * place) / (2 * sigma * sigma)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** The places of ComfyUI's kernels: −1 to 1 whatever the radius. */
const relativePlaces = (radius: number): number[] => [...linspace(-1, 1, 2 * radius + 1)];

/** ComfyUI's kernel of two dimensions, row by row, in torch's float32 arithmetic. */
function kernelOf(radius: number, sigma: number): number[] {
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
const MAX_WHOLE_RADIUS = 3;

const whole = (math: ImageMath, image: ImageValue, weights: readonly number[]): ImageValue => {
  const rows = Math.sqrt(weights.length);
  return convolved(math, image, (rows - 1) / 2, [{ rows, weights }]);
};

/** The kernel that adds `amount` times what the blur with this one takes away. */
function sharpened(blur: readonly number[], amount: number): number[] {
  const kernel = blur.map((weight) => f(weight * f(-amount)));
  const centre = (kernel.length - 1) / 2;
  kernel[centre] = f(f((kernel[centre] as number) - torchSum(kernel)) + 1);
  return kernel;
}

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

export const FILTER_FRAGMENTS: Fragments = {
  ImageInvert(inputs, math) {
    const image = inputs.image("image");
    return [math.image(math.sub(1, image.value), image)];
  },

  ImageBlur(inputs, math) {
    const image = inputs.image("image");
    const radius = inputs.number("blur_radius");
    checkRadius(inputs, "blur_radius", radius, image);
    const sigma = inputs.number("sigma");
    return radius <= MAX_WHOLE_RADIUS
      ? [whole(math, image, kernelOf(radius, sigma))]
      : [blurred(math, image, gaussian(relativePlaces(radius), sigma))];
  },

  /** Adds 10 · alpha times what the blur takes away. */
  ImageSharpen(inputs, math) {
    const image = inputs.image("image");
    const radius = inputs.number("sharpen_radius");
    checkRadius(inputs, "sharpen_radius", radius, image);
    const sigma = inputs.number("sigma");
    const amount = inputs.number("alpha") * 10;
    if (radius <= MAX_WHOLE_RADIUS) {
      const sharp = whole(math, image, sharpened(kernelOf(radius, sigma), amount));
      return [math.image(math.clamp(sharp.value), image)];
    }
    const soft = blurred(math, image, gaussian(relativePlaces(radius), sigma));
    const sharp = math.sub(math.mul(image.value, 1 + amount), math.mul(soft.value, amount));
    return [math.image(math.clamp(sharp), image)];
  },

  /** torch's noise over the whole batch, in the order of its samples. */
  ImageAddNoise(inputs, math) {
    const image = inputs.image("image");
    const count = countOf(dimsOf(image));
    if (count > MAX_NOISE) {
      const size = `${image.batch} of ${image.width}x${image.height}`;
      throw inputs.refusal("image", `is ${size}; at most ${MAX_NOISE} samples can get noise`);
    }
    const drawn = new TorchGenerator(inputs.seed("seed")).randn(count);
    const scaled = math.mul(math.stored(drawn, image).value, inputs.number("strength"));
    return [math.image(math.clamp(math.add(image.value, scaled)), image)];
  },
};
