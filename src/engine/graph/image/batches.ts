/** Computes the nodes that put pictures into one batch and take them out. */

import { withChannels } from "./channels.ts";
import type { ImageValue } from "./graph-value.ts";
import { BATCH, type ImageMath } from "./image-math.ts";
import type { Fragments } from "./node-inputs.ts";
import { resize } from "./resample.ts";

/** A batch of `batch` pictures: the pictures in turn, or those beyond dropped. */
export function repeatedTo(math: ImageMath, image: ImageValue, batch: number): ImageValue {
  if (image.batch === batch) return image;
  const indices = Array.from({ length: batch }, (_, index) => index % image.batch);
  return math.image(math.gather(image.value, BATCH, indices), image, { batch });
}

export const BATCH_FRAGMENTS: Fragments = {
  /** The second picture takes the size of the first. */
  ImageBatch(inputs, math) {
    const images = [inputs.image("image1"), inputs.image("image2")] as const;
    const channels = Math.max(...images.map((image) => image.channels));
    const [first, second] = images.map((image) => withChannels(math, image, channels)) as [
      ImageValue,
      ImageValue,
    ];
    const fitted = resize(math, second, first, { method: "bilinear", crop: "center" });
    const joined = math.concat(BATCH, first.value, fitted.value);
    return [math.image(joined, first, { batch: first.batch + second.batch })];
  },

  RepeatImageBatch(inputs, math) {
    const image = inputs.image("image");
    const amount = inputs.number("amount");
    const repeated = math.graph.node("Tile", [image.value, math.ints(amount, 1, 1, 1)]);
    return [math.image(repeated, image, { batch: image.batch * amount })];
  },

  ImageFromBatch(inputs, math) {
    const image = inputs.image("image");
    const first = Math.min(image.batch - 1, inputs.number("batch_index"));
    const length = Math.min(image.batch - first, inputs.number("length"));
    const taken = math.slice(image.value, BATCH, first, first + length);
    return [math.image(taken, image, { batch: length })];
  },
};
