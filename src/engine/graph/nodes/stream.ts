/** Declares the nodes that join a graph to a stream (comfystream's), and ours, which runs any model folder. */

import type { Declarations } from "../declarations.ts";
import { file, float, link, text, toggle } from "../input-declaration.ts";

export const STREAM_NODES: Declarations = {
  LoadTensor: {
    category: "stream",
    inputs: {},
    optional: { timeout_seconds: float({ default: 1, min: 0.1, max: 30, step: 0.1 }) },
    outputs: ["IMAGE"],
    isLive: true,
    note: "Gives the newest frame of the video. It never waits: timeout_seconds is ignored.",
  },
  PrimaryInputLoadImage: {
    category: "stream",
    inputs: { image: file("image") },
    outputs: ["IMAGE", "MASK"],
    note: "Marks the picture that the video replaces: in a stream it is LoadTensor.",
  },
  SaveTensor: {
    category: "stream",
    inputs: { images: link("IMAGE") },
    outputs: [],
    isOutput: true,
    note: "Its picture is the stream's next frame.",
  },
  SaveTextTensor: {
    category: "stream",
    inputs: { data: text() },
    optional: { remove_linebreaks: toggle(true) },
    outputs: [],
    isOutput: true,
    note: "Its text goes to the stream's data channel.",
  },
  OnnxModel: {
    category: "models/run",
    inputs: { model: file("model") },
    optional: { image: link("IMAGE"), prompt: text("") },
    takesMore: true,
    outputs: ["IMAGE", "MASK", "STRING"],
    outputNames: ["image", "mask", "data"],
    note: "Runs a folder of the workspace's models. All other inputs are the model's parameters by name.",
  },
};
