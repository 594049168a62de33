/** ImageScale: resizes pictures to a size. */
import { roundHalfToEven } from "../../../diffusion/schedule/python-numbers.ts";
import { CROPS, UPSCALE_METHODS } from "../../choices.ts";
import { resize } from "../../image/resample.ts";
import { choice, int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const ImageScale: NodeClass = {
  name: "ImageScale",
  category: "image/size",
  inputs: {
    image: link("IMAGE"),
    upscale_method: choice(UPSCALE_METHODS),
    width: int({ default: 512, min: 0, max: 16384, step: 1 }),
    height: int({ default: 512, min: 0, max: 16384, step: 1 }),
    crop: choice(CROPS),
  },
  outputs: ["IMAGE"],
  /** A width or height of 0 follows from the other one; both 0 keep the size. */
  fragment(inputs, math) {
    const image = inputs.image("image");
    const [width, height] = [inputs.number("width"), inputs.number("height")];
    if (width === 0 && height === 0) return [image];
    const to = {
      width: width || Math.max(1, roundHalfToEven((image.width * height) / image.height)),
      height: height || Math.max(1, roundHalfToEven((image.height * width) / image.width)),
    };
    const options = { method: inputs.word("upscale_method"), crop: inputs.word("crop") };
    return [resize(math, image, to, options)];
  },
};
