/** LoadImageMask: loads one channel of a picture as a mask. */
import { choice, file } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { channelOf, transparencyOf } from "../../run/loaded-image.ts";
import { output } from "../../run/node-runner.ts";

const CHANNELS = ["red", "green", "blue"];

export const LoadImageMask: NodeClass = {
  name: "LoadImageMask",
  category: "files",
  inputs: {
    image: file("image"),
    channel: choice(["alpha", "red", "green", "blue"]),
  },
  outputs: ["MASK"],
  async run(inputs, { loadImage: load }) {
    const loaded = await load(inputs.text("image"));
    const channel = CHANNELS.indexOf(inputs.text("channel"));
    if (channel >= 0) return [output("MASK", channelOf(loaded, channel))];
    const { batch, height, width } = loaded;
    const opaque = { values: new Float32Array(batch * height * width), batch, height, width };
    return [output("MASK", loaded.channels === 4 ? transparencyOf(loaded) : opaque)];
  },
};
