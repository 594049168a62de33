/** Runs a graph's input and output nodes: files, stream frames and constant values. */
import { WorkerError } from "../../../../errors.ts";
import { type NodeRunner, type NodeRunners, output } from "../node-runner.ts";
import type { Images, Mask } from "../values.ts";

/** Side of the empty mask that ComfyUI gives for a picture without alpha. */
const NO_MASK_SIDE = 64;
const CHANNELS = ["red", "green", "blue"];

const loadImage: NodeRunner = async (inputs, { loadImage: load }) => {
  const loaded = await load(inputs.text("image"));
  return [output("IMAGE", coloursOf(loaded)), output("MASK", transparencyOf(loaded))];
};

const saveImages =
  (target: "stream" | "files"): NodeRunner =>
  (inputs, { emit }) => {
    const images = inputs.link("images", "IMAGE");
    emit({ kind: "images", images, isStream: target === "stream" });
    return [];
  };

export const EDGES: NodeRunners = {
  LoadImage: loadImage,
  LoadImageOutput: loadImage,

  async LoadImageMask(inputs, { loadImage: load }) {
    const loaded = await load(inputs.text("image"));
    const channel = CHANNELS.indexOf(inputs.text("channel"));
    if (channel >= 0) return [output("MASK", channelOf(loaded, channel))];
    const { batch, height, width } = loaded;
    const opaque = { values: new Float32Array(batch * height * width), batch, height, width };
    return [output("MASK", loaded.channels === 4 ? transparencyOf(loaded) : opaque)];
  },

  async LoadLatent(inputs, { loadLatent }) {
    return [output("LATENT", await loadLatent(inputs.text("latent")))];
  },

  LoadTensor: (_, { frame }) => {
    if (frame !== null) return [output("IMAGE", frame)];
    throw new WorkerError("invalid_request", "there is no video: send a picture, or use LoadImage");
  },

  SaveImage: saveImages("files"),
  PreviewImage: saveImages("files"),
  SaveTensor: saveImages("stream"),

  SaveLatent: (inputs, { emit }) => {
    emit({ kind: "latent", latent: inputs.link("samples", "LATENT") });
    return [];
  },

  SaveTextTensor: (inputs, { emit }) => {
    const text = inputs.text("data");
    const isOneLine = inputs.flag("remove_linebreaks");
    const node = inputs.node.id;
    emit({ kind: "text", node, text: isOneLine ? text.replace(/[\r\n]/g, "") : text });
    return [];
  },

  PrimitiveBoolean: (inputs) => [output("BOOLEAN", inputs.flag("value"))],
  PrimitiveFloat: (inputs) => [output("FLOAT", inputs.number("value"))],
  PrimitiveInt: (inputs) => [output("INT", inputs.seed("value"))],
  PrimitiveString: (inputs) => [output("STRING", inputs.text("value"))],
  PrimitiveStringMultiline: (inputs) => [output("STRING", inputs.text("value"))],
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
function transparencyOf(images: Images): Mask {
  if (images.channels === 4) {
    const { values, ...size } = channelOf(images, 3);
    return { ...size, values: values.map((alpha) => 1 - alpha) };
  }
  const values = new Float32Array(NO_MASK_SIDE * NO_MASK_SIDE);
  return { values, batch: 1, height: NO_MASK_SIDE, width: NO_MASK_SIDE };
}

function channelOf({ data, channels, batch, height, width }: Images, channel: number): Mask {
  const values = new Float32Array(batch * height * width);
  for (let at = 0; at < values.length; at++) values[at] = data[at * channels + channel] as number;
  return { values, batch, height, width };
}
