/** Depth Anything, version 1 and 2, in its usual exports. Written from their documentation. */
import type { TensorSignature } from "../tensor-signature.ts";
import {
  firstNames,
  hasPorts,
  hasShapes,
  IMAGENET,
  isShaped,
  type KnownNetwork,
} from "./known-network.ts";

/** Names of input and output by exporter: Transformers, fabio-sim (tracer), fabio-sim (dynamo, release 2.0.0). */
const NAMES = [
  ["pixel_values", "predicted_depth"],
  ["image", "depth"],
  ["l_x_", "select_36"],
] as const;

const SHAPES = ["float [*, *, *]", "float [*, 1, *, *]"];

export const DEPTH_ANYTHING: KnownNetwork = {
  name: "Depth Anything",
  isTried: false,
  notes: [
    "Small is Apache-2.0; Base, Large and Giant are CC-BY-NC-4.0: correct license for those",
    "other depth networks that Transformers exports (DPT, ZoeDepth) have the same tensors: correct mean and std to 0.5 for those",
    "sides are rounded to multiples of 14; smaller pictures are faster",
  ],
  matches: (signature, file) =>
    signature.inputs.every(fitsPatches) &&
    SHAPES.some((shape) =>
      /depth[-_ ]?anything/i.test(file)
        ? hasShapes(signature, { inputs: ["float [*, 3, *, *]"], outputs: [shape] })
        : NAMES.some(([input, output]) =>
            hasPorts(signature, {
              inputs: { [input]: "float [*, 3, *, *]" },
              outputs: { [output]: shape },
            }),
          ),
    ),
  describe: (signature) => {
    const [input, output] = firstNames(signature);
    const hasChannel = signature.outputs[0]?.dims?.length === 4;
    return {
      description: "Shows how near things are",
      license: "Apache-2.0",
      homepage: "https://github.com/DepthAnything/Depth-Anything-V2",
      inputs: {
        [input]: { role: "frame", layout: "nchw", channels: "rgb", ...IMAGENET, multiple_of: 14 },
      },
      outputs: {
        [output]: { role: "heat", layout: hasChannel ? "nchw" : "nhw", range: "auto", blend: 1 },
      },
    };
  },
};

/** The network divides pictures into patches of 14 × 14; other depth networks with these names have other sizes. */
const fitsPatches = (tensor: TensorSignature): boolean =>
  isShaped(tensor, "float [*, 3, free, free]") ||
  (tensor.dims?.slice(2).every((side) => Number(side) % 14 === 0) ?? false);
