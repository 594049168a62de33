/** Declares the nodes that make pictures and put several together. */

import type { Declarations } from "../declarations.ts";
import { choice, float, int, link, toggle } from "../input-declaration.ts";

export const IMAGE_NODES: Declarations = {
  EmptyImage: {
    category: "image",
    inputs: {
      width: int({ default: 512, min: 1, max: 16384, step: 1 }),
      height: int({ default: 512, min: 1, max: 16384, step: 1 }),
      batch_size: int({ default: 1, min: 1, max: 4096 }),
      color: int({ default: 0, min: 0, max: 16777215, step: 1 }),
    },
    outputs: ["IMAGE"],
  },
  ImageBatch: {
    category: "image",
    inputs: {
      image1: link("IMAGE"),
      image2: link("IMAGE"),
    },
    outputs: ["IMAGE"],
  },
  ImageBlend: {
    category: "image",
    inputs: {
      image1: link("IMAGE"),
      image2: link("IMAGE"),
      blend_factor: float({ default: 0.5, min: 0, max: 1, step: 0.01 }),
      blend_mode: choice(["normal", "multiply", "screen", "overlay", "soft_light", "difference"]),
    },
    outputs: ["IMAGE"],
  },
  ImageCompositeMasked: {
    category: "image",
    inputs: {
      destination: link("IMAGE"),
      source: link("IMAGE"),
      x: int({ default: 0, min: 0, max: 16384, step: 1 }),
      y: int({ default: 0, min: 0, max: 16384, step: 1 }),
      resize_source: toggle(false),
    },
    optional: {
      mask: link("MASK"),
    },
    outputs: ["IMAGE"],
  },
  ImageFromBatch: {
    category: "image",
    inputs: {
      image: link("IMAGE"),
      batch_index: int({ default: 0, min: 0, max: 4095 }),
      length: int({ default: 1, min: 1, max: 4096 }),
    },
    outputs: ["IMAGE"],
  },
  ImageStitch: {
    category: "image",
    inputs: {
      image1: link("IMAGE"),
      direction: choice(["right", "down", "left", "up"], "right"),
      match_image_size: toggle(true),
      spacing_width: int({ default: 0, min: 0, max: 1024, step: 2 }),
      spacing_color: choice(["white", "black", "red", "green", "blue"], "white"),
    },
    optional: {
      image2: link("IMAGE"),
    },
    outputs: ["IMAGE"],
  },
  JoinImageWithAlpha: {
    category: "image",
    inputs: {
      image: link("IMAGE"),
      alpha: link("MASK"),
    },
    outputs: ["IMAGE"],
  },
  RepeatImageBatch: {
    category: "image",
    inputs: {
      image: link("IMAGE"),
      amount: int({ default: 1, min: 1, max: 4096 }),
    },
    outputs: ["IMAGE"],
  },
  SplitImageWithAlpha: {
    category: "image",
    inputs: {
      image: link("IMAGE"),
    },
    outputs: ["IMAGE", "MASK"],
  },
};
