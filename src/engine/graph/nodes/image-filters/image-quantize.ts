/** ImageQuantize: reduces pictures to a few colours. */
import type { Value } from "../../../models/graph-builder.ts";
import { withChannels } from "../../image/channels.ts";
import { diffused, ordered } from "../../image/dither.ts";
import { BATCH } from "../../image/image-math.ts";
import { nearest, paletteOf } from "../../image/palette.ts";
import { choice, int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

/** Of all pictures of a batch: each colour takes some operators, and a session of so many opens in a second. */
const MAX_COLOURS = 1024;

export const ImageQuantize: NodeClass = {
  name: "ImageQuantize",
  category: "image/filter",
  inputs: {
    image: link("IMAGE"),
    colors: int({ default: 256, min: 1, max: 256, step: 1 }),
    dither: choice(["none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16"]),
  },
  outputs: ["IMAGE"],
  fragment(inputs, math) {
    const image = withChannels(math, inputs.image("image"), 3);
    const { batch, height, width } = image;
    const colours = inputs.number("colors");
    if (batch * colours > MAX_COLOURS) {
      throw inputs.refusal(
        "image",
        `is a batch of ${batch}; at most ${Math.floor(MAX_COLOURS / colours)} can get ${colours} colours each`,
      );
    }
    const dither = inputs.word("dither");
    const bytes = math.floor(math.clamp(math.mul(image.value, 255), 0, 255));
    const quantized = Array.from({ length: batch }, (_, index) => {
      const one = math.slice(bytes, BATCH, index, index + 1);
      const palette = paletteOf(
        math,
        math.reshape(one, height * width, 3),
        height * width,
        colours,
      );
      const colour = (samples: Value, count: number) => nearest(math, samples, count, palette);
      if (dither === "floyd-steinberg") {
        return diffused(math, one, image, (samples) => colour(samples, height));
      }
      const dithered = dither.startsWith("bayer-")
        ? ordered(math, one, image, Number(dither.slice("bayer-".length)), colours)
        : one;
      const flat = math.reshape(dithered, height * width, 3);
      return math.reshape(colour(flat, height * width), 1, height, width, 3);
    });
    return [math.image(math.div(math.concat(BATCH, ...quantized), 255), image)];
  },
};
