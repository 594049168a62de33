/** JoinImageWithAlpha: adds transparency to a picture. */
import { fittedMask, withChannels } from "../../image/channels.ts";
import type { ImageValue } from "../../image/graph-value.ts";
import { BATCH, CHANNELS, type ImageMath } from "../../image/image-math.ts";
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

/** The first `length` pictures of a batch. */
const firstOf = (math: ImageMath, image: ImageValue, length: number): ImageValue =>
  image.batch <= length
    ? image
    : math.image(math.slice(image.value, BATCH, 0, length), image, { batch: length });

export const JoinImageWithAlpha: NodeClass = {
  name: "JoinImageWithAlpha",
  category: "image",
  inputs: {
    image: link("IMAGE"),
    alpha: link("MASK"),
  },
  outputs: ["IMAGE"],
  /** The alpha channel is 1 − mask. */
  fragment(inputs, math) {
    const [image, mask] = [inputs.image("image"), inputs.mask("alpha")];
    const batch = Math.min(image.batch, mask.batch);
    const colours = firstOf(math, withChannels(math, image, 3), batch);
    const alpha = firstOf(math, fittedMask(math, mask, image), batch);
    const joined = math.concat(CHANNELS, colours.value, math.sub(1, alpha.value));
    return [math.image(joined, colours, { channels: 4 })];
  },
};
