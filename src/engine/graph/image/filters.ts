/** Computes the nodes that change colours: inversion, blur, sharpening, noise. */
import { linspace } from "../../diffusion/schedule/python-numbers.ts";
import { TorchGenerator } from "../../random/torch-noise.ts";
import { dimsOf, type ImageValue } from "./graph-value.ts";
import type { ImageMath } from "./image-math.ts";
import type { Fragments, NodeInputs } from "./node-inputs.ts";

/** Of a kernel that spans −1 to 1; the kernel of two dimensions is the product of this one with itself. */
function gaussianWeights(radius: number, sigma: number): number[] {
  const places = [...linspace(-1, 1, 2 * radius + 1)];
  const weights = places.map((place) => Math.exp(-(place * place) / (2 * sigma * sigma)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** Weighs the neighbours along columns and then rows; the border mirrors the picture without its outermost samples. */
export function blurred(
  math: ImageMath,
  image: ImageValue,
  weights: readonly number[],
): ImageValue {
  const { graph } = math;
  const radius = (weights.length - 1) / 2;
  const pads = math.ints(0, 0, radius, radius, 0, 0, radius, radius);
  const padded = graph.node("Pad", [math.toPlanes(image), pads], { mode: "reflect" });
  const across = graph.constant("float32", [1, 1, 1, weights.length], weights);
  const down = graph.constant("float32", [1, 1, weights.length, 1], weights);
  const planes = graph.node("Conv", [graph.node("Conv", [padded, across]), down]);
  return math.fromPlanes(planes, image);
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
    return [blurred(math, image, gaussianWeights(radius, inputs.number("sigma")))];
  },

  /** Adds 10 · alpha times what the blur takes away. */
  ImageSharpen(inputs, math) {
    const image = inputs.image("image");
    const radius = inputs.number("sharpen_radius");
    checkRadius(inputs, "sharpen_radius", radius, image);
    const soft = blurred(math, image, gaussianWeights(radius, inputs.number("sigma")));
    const amount = inputs.number("alpha") * 10;
    const sharp = math.sub(math.mul(image.value, 1 + amount), math.mul(soft.value, amount));
    return [math.image(math.clamp(sharp), image)];
  },

  /** torch's noise over the whole batch, in the order of its samples. */
  ImageAddNoise(inputs, math) {
    const image = inputs.image("image");
    const dims = dimsOf(image);
    const count = dims.reduce((product, dim) => product * dim, 1);
    const drawn = new TorchGenerator(inputs.seed("seed")).randn(count);
    const noise = math.graph.constant("float32", dims, [...drawn]);
    const scaled = math.mul(noise, inputs.number("strength"));
    return [math.image(math.clamp(math.add(image.value, scaled)), image)];
  },
};
