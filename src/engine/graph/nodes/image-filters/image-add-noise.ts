/** ImageAddNoise: adds torch's noise to pictures. */
import { countOf } from "../../../models/tensor.ts";
import { TorchGenerator } from "../../../random/torch-noise.ts";
import { dimsOf } from "../../image/graph-value.ts";
import { float, link, SEED } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

/** Samples: the noise is part of the ONNX file. */
const MAX_NOISE = 2 ** 24;

export const ImageAddNoise: NodeClass = {
  name: "ImageAddNoise",
  category: "image/filter",
  inputs: {
    image: link("IMAGE"),
    seed: SEED,
    strength: float({ default: 0.5, min: 0, max: 1, step: 0.01 }),
  },
  outputs: ["IMAGE"],
  /** torch's noise over the whole batch, in the order of its samples. */
  fragment(inputs, math) {
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
