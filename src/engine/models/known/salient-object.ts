/** The foreground cut out of a picture: U²-Net and IS-Net, as rembg distributes them. Written from their documentation. */
import type { ModelJson } from "../model-json.ts";
import type { GraphSignature } from "../tensor-signature.ts";
import { hasShapes, IMAGENET, isShaped, type KnownNetwork } from "./known-network.ts";

/** Both output a refined mask, then intermediate ones. The first is used, stretched to 0 to 1. */
const describe = (
  { inputs, outputs }: GraphSignature,
  { std, ...about }: Omit<ModelJson, "inputs" | "outputs"> & { readonly std: readonly number[] },
): ModelJson => ({
  ...about,
  inputs: Object.fromEntries(
    inputs.map(({ name }) => [
      name,
      { role: "frame", layout: "nchw", channels: "rgb", ...IMAGENET, std },
    ]),
  ),
  outputs: Object.fromEntries(
    outputs.map(({ name }, at) => [
      name,
      at === 0
        ? { role: "mask", layout: "nchw", range: "auto", over: "colour" }
        : { role: "ignore" },
    ]),
  ),
});

const NOTE = 'set over of the first output to "blur" or "image" for another background';

/** u2net, u2netp, u2net_human_seg, silueta: one size, seven outputs. */
const u2net: KnownNetwork = {
  name: "U²-Net",
  isTried: false,
  notes: [NOTE],
  matches: (signature) =>
    hasShapes(signature, {
      inputs: ["float [*, 3, 320, 320]"],
      outputs: Array.from({ length: 7 }, () => "float [*, 1, 320, 320]"),
    }),
  describe: (signature) =>
    describe(signature, {
      description: "Cuts the main object out of the picture",
      license: "Apache-2.0",
      homepage: "https://github.com/xuebinqin/U-2-Net",
      std: IMAGENET.std,
    }),
};

/** isnet-general-use: side outputs follow the mask, which tells it from other networks of 1024 × 1024. */
const isnet: KnownNetwork = {
  name: "IS-Net",
  isTried: false,
  notes: [NOTE],
  matches: ({ inputs, outputs }) => {
    const [input] = inputs;
    const [mask] = outputs;
    if (input === undefined || mask === undefined || inputs.length !== 1) return false;
    return (
      isShaped(input, "float [*, 3, 1024, 1024]") &&
      isShaped(mask, "float [*, 1, 1024, 1024]") &&
      outputs.length >= 6
    );
  },
  describe: (signature) =>
    describe(signature, {
      description: "Cuts the main object out of the picture",
      license: "Apache-2.0",
      homepage: "https://github.com/xuebinqin/DIS",
      std: [1, 1, 1],
    }),
};

export const SALIENT_OBJECT = [u2net, isnet];
