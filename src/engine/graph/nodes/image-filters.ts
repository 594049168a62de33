/** Declares the nodes that change the colours of pictures. */

import type { Declarations } from "../declarations.ts";
import { choice, float, int, link, SEED } from "../input-declaration.ts";

export const IMAGE_FILTER_NODES: Declarations = {
  ImageInvert: {
    category: "image/filter",
    inputs: {
      image: link("IMAGE"),
    },
    outputs: ["IMAGE"],
  },
  ImageBlur: {
    category: "image/filter",
    inputs: {
      image: link("IMAGE"),
      blur_radius: int({ default: 1, min: 1, max: 31, step: 1 }),
      sigma: float({ default: 1, min: 0.1, max: 10, step: 0.1 }),
    },
    outputs: ["IMAGE"],
  },
  ImageSharpen: {
    category: "image/filter",
    inputs: {
      image: link("IMAGE"),
      sharpen_radius: int({ default: 1, min: 1, max: 31, step: 1 }),
      sigma: float({ default: 1, min: 0.1, max: 10, step: 0.01 }),
      alpha: float({ default: 1, min: 0, max: 5, step: 0.01 }),
    },
    outputs: ["IMAGE"],
  },
  ImageQuantize: {
    category: "image/filter",
    inputs: {
      image: link("IMAGE"),
      colors: int({ default: 256, min: 1, max: 256, step: 1 }),
      dither: choice(["none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16"]),
    },
    outputs: ["IMAGE"],
  },
  ImageAddNoise: {
    category: "image/filter",
    inputs: {
      image: link("IMAGE"),
      seed: SEED,
      strength: float({ default: 0.5, min: 0, max: 1, step: 0.01 }),
    },
    outputs: ["IMAGE"],
  },
  Canny: {
    category: "image/filter",
    inputs: {
      image: link("IMAGE"),
      low_threshold: float({ default: 0.4, min: 0.01, max: 0.99, step: 0.01 }),
      high_threshold: float({ default: 0.8, min: 0.01, max: 0.99, step: 0.01 }),
    },
    outputs: ["IMAGE"],
  },
  Morphology: {
    category: "image/filter",
    inputs: {
      image: link("IMAGE"),
      operation: choice(["erode", "dilate", "open", "close", "gradient", "bottom_hat", "top_hat"]),
      kernel_size: int({ default: 3, min: 3, max: 999, step: 1 }),
    },
    outputs: ["IMAGE"],
  },
};
