/** YuNet, the face detector of OpenCV's model zoo. Written from its documentation. */
import { isShaped, type KnownNetwork } from "./known-network.ts";

const KINDS = ["cls", "obj", "bbox", "kps"];
const STRIDES = [8, 16, 32];
/** Boxes on the coarsest grid fit into a message a frame; the finer ones are thousands of numbers. */
const REPORTED = ["cls_32", "obj_32", "bbox_32"];

export const YUNET: KnownNetwork = {
  name: "YuNet",
  isTried: false,
  notes: [
    "outputs are raw scores and boxes of a grid, not yet faces: the video passes through unchanged",
    "the outputs of stride 32 find large faces; set others from ignore to data for small ones",
  ],
  matches: ({ inputs, outputs }) => {
    const [input] = inputs;
    const names = KINDS.flatMap((kind) => STRIDES.map((stride) => `${kind}_${stride}`));
    return (
      input !== undefined &&
      inputs.length === 1 &&
      isShaped(input, "float [*, 3, *, *]") &&
      outputs.length === names.length &&
      outputs.every(({ name }) => names.includes(name))
    );
  },
  describe: ({ inputs, outputs }) => ({
    description: "Finds faces",
    license: "MIT",
    homepage: "https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet",
    inputs: Object.fromEntries(
      inputs.map(({ name }) => [
        name,
        { role: "frame", layout: "nchw", channels: "bgr", range: [0, 255], multiple_of: 32 },
      ]),
    ),
    outputs: Object.fromEntries(
      outputs.map(({ name }) => [
        name,
        REPORTED.includes(name) ? { role: "data", limit: 1600 } : { role: "ignore" },
      ]),
    ),
  }),
};
