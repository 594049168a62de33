/** Runs nodes that load a picture: gives its colours, and its transparency as a mask. */
import { type NodeRunner, output } from "./node-runner.ts";
import type { Images, Mask } from "./values.ts";

/** Side of the empty mask that ComfyUI gives for a picture without alpha. */
const NO_MASK_SIDE = 64;

export const runLoadImage: NodeRunner = async (inputs, { loadImage: load }) => {
  const loaded = await load(inputs.text("image"));
  return [output("IMAGE", coloursOf(loaded)), output("MASK", transparencyOf(loaded))];
};

/** Alpha is dropped, not multiplied in. */
function coloursOf(images: Images): Images {
  if (images.channels === 3) return images;
  const { data, channels, ...size } = images;
  const colours = new Float32Array((data.length / channels) * 3);
  for (let at = 0; at < colours.length; at++) {
    colours[at] = data[Math.floor(at / 3) * channels + (at % 3)] as number;
  }
  return { ...size, data: colours, channels: 3 };
}

/** 1 − alpha. */
export function transparencyOf(images: Images): Mask {
  if (images.channels === 4) {
    const { values, ...size } = channelOf(images, 3);
    return { ...size, values: values.map((alpha) => 1 - alpha) };
  }
  const values = new Float32Array(NO_MASK_SIDE * NO_MASK_SIDE);
  return { values, batch: 1, height: NO_MASK_SIDE, width: NO_MASK_SIDE };
}

export function channelOf({ data, channels, batch, height, width }: Images, channel: number): Mask {
  const values = new Float32Array(batch * height * width);
  for (let at = 0; at < values.length; at++) values[at] = data[at * channels + channel] as number;
  return { values, batch, height, width };
}
