/** ImageBatch: joins two pictures into one batch. */
import { withChannels } from "../../image/channels.ts";
import type { ImageValue } from "../../image/graph-value.ts";
import { BATCH } from "../../image/image-math.ts";
import { resize } from "../../image/resample.ts";
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const ImageBatch: NodeClass = {
  name: "ImageBatch",
  category: "image",
  inputs: {
    image1: link("IMAGE"),
    image2: link("IMAGE"),
  },
  outputs: ["IMAGE"],
  /** The second picture takes the size of the first. */
  fragment(inputs, math) {
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
};
