/** ImageToMask: takes one channel of pictures as a mask. */
import { CHANNEL_NAMES } from "../../image/channels.ts";
import { choice, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const ImageToMask: NodeClass = {
  name: "ImageToMask",
  category: "mask",
  inputs: {
    image: link("IMAGE"),
    channel: choice(["red", "green", "blue", "alpha"]),
  },
  outputs: ["MASK"],
  fragment(inputs, math) {
    const image = inputs.image("image");
    const channel = inputs.word("channel");
    const index = CHANNEL_NAMES.indexOf(channel);
    if (index >= image.channels) {
      throw inputs.refusal("channel", `is ${channel}, but the picture has no such channel`);
    }
    return [math.asMask(image, index)];
  },
};
