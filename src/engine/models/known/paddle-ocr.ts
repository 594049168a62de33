/** PaddleOCR as paddle2onnx exports it: where text is, and whether it is upside down. */
import { hasPorts, IMAGENET, isShaped, type KnownNetwork } from "./known-network.ts";

const LICENSE = "Apache-2.0";
const HOMEPAGE = "https://github.com/PaddlePaddle/PaddleOCR";
/** PaddleOCR reads pictures with OpenCV, in BGR, and applies ImageNet's means to them as they stand. */
const FRAME = { role: "frame", layout: "nchw", channels: "bgr" } as const;

/** The versions differ in the name of the output alone. */
const DETECTOR_OUTPUTS = ["sigmoid_0.tmp_0", "save_infer_model/scale_0.tmp_1", "fetch_name_0"];

/** PP-OCR v2 to v5, mobile and server. Version 4 mobile was run here. */
const detector: KnownNetwork = {
  name: "PaddleOCR text detector",
  isTried: true,
  notes: ["sides are rounded to multiples of 32"],
  matches: (signature) =>
    DETECTOR_OUTPUTS.some((output) =>
      hasPorts(signature, {
        inputs: { x: "float [*, 3, *, *]" },
        outputs: { [output]: "float [*, 1, *, *]" },
      }),
    ),
  describe: ({ outputs: [output] }) => ({
    description: "Shows where text is",
    license: LICENSE,
    homepage: HOMEPAGE,
    inputs: { x: { ...FRAME, ...IMAGENET, size: "free", multiple_of: 32 } },
    outputs: {
      [output?.name ?? ""]: {
        role: "heat",
        layout: "nchw",
        range: [0, 1],
        clear_low: true,
        blend: 1,
      },
    },
  }),
};

const CLASSIFIER_OUTPUTS = ["save_infer_model/scale_0.tmp_1", "softmax_0.tmp_0", "fetch_name_0"];

/** The mobile classifier of version 2, which the later versions use as well. */
const classifier: KnownNetwork = {
  name: "PaddleOCR direction classifier",
  isTried: true,
  notes: ["it looks at one line of text: with fit cover, the strip in the middle of the picture"],
  matches: (signature) =>
    CLASSIFIER_OUTPUTS.some((output) =>
      hasPorts(signature, {
        inputs: { x: "float [*, 3, *, *]" },
        outputs: { [output]: "float [*, 2]" },
      }),
    ),
  describe: ({ inputs: [input], outputs: [output] }) => ({
    description: "Tells whether a line of text is upside down",
    license: LICENSE,
    homepage: HOMEPAGE,
    inputs: {
      x: {
        ...FRAME,
        range: [-1, 1],
        // Version 5 has a classifier of another size, which its file fixes.
        ...(input && isShaped(input, "float [*, 3, free, free]") && { size: [192, 48] }),
      },
    },
    outputs: { [output?.name ?? ""]: { role: "data", labels: ["0°", "180°"] } },
  }),
};

export const PADDLE_OCR = [detector, classifier];
