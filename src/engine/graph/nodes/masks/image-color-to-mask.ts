/** ImageColorToMask: masks what has one colour. */
import { withChannels } from "../../image/channels.ts";
import { CHANNELS } from "../../image/image-math.ts";
import { int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const ImageColorToMask: NodeClass = {
  name: "ImageColorToMask",
  category: "mask",
  inputs: {
    image: link("IMAGE"),
    color: int({ default: 0, min: 0, max: 16777215, step: 1 }),
  },
  outputs: ["MASK"],
  /** 1 where the colour, rounded to 8 bits, is exactly this one. */
  fragment(inputs, math) {
    const image = withChannels(math, inputs.image("image"), 3);
    const colour = inputs.number("color");
    const wanted = [16, 8, 0].map((shift) => (colour >> shift) & 0xff);
    const bytes = math.round(math.mul(math.clamp(image.value), 255));
    const apart = math.abs(math.sub(bytes, math.along(CHANNELS, wanted)));
    const greatest = math.graph.node("ReduceMax", [apart], { axes: [3n], keepdims: 0n });
    return [math.mask(math.indicator(math.lessOrEqual(greatest, 0)), image)];
  },
};
