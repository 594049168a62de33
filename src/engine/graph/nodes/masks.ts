/** Declares the nodes that make and change masks. */

import type { Declarations } from "../declarations.ts";
import { choice, float, int, link, toggle } from "../input-declaration.ts";

export const MASK_NODES: Declarations = {
  CropMask: {
    category: "mask",
    inputs: {
      mask: link("MASK"),
      x: int({ default: 0, min: 0, max: 16384, step: 1 }),
      y: int({ default: 0, min: 0, max: 16384, step: 1 }),
      width: int({ default: 512, min: 1, max: 16384, step: 1 }),
      height: int({ default: 512, min: 1, max: 16384, step: 1 }),
    },
    outputs: ["MASK"],
  },
  FeatherMask: {
    category: "mask",
    inputs: {
      mask: link("MASK"),
      left: int({ default: 0, min: 0, max: 16384, step: 1 }),
      top: int({ default: 0, min: 0, max: 16384, step: 1 }),
      right: int({ default: 0, min: 0, max: 16384, step: 1 }),
      bottom: int({ default: 0, min: 0, max: 16384, step: 1 }),
    },
    outputs: ["MASK"],
  },
  GrowMask: {
    category: "mask",
    inputs: {
      mask: link("MASK"),
      expand: int({ default: 0, min: -16384, max: 16384, step: 1 }),
      tapered_corners: toggle(true),
    },
    outputs: ["MASK"],
  },
  ImageColorToMask: {
    category: "mask",
    inputs: {
      image: link("IMAGE"),
      color: int({ default: 0, min: 0, max: 16777215, step: 1 }),
    },
    outputs: ["MASK"],
  },
  ImageToMask: {
    category: "mask",
    inputs: {
      image: link("IMAGE"),
      channel: choice(["red", "green", "blue", "alpha"]),
    },
    outputs: ["MASK"],
  },
  InvertMask: {
    category: "mask",
    inputs: {
      mask: link("MASK"),
    },
    outputs: ["MASK"],
  },
  MaskComposite: {
    category: "mask",
    inputs: {
      destination: link("MASK"),
      source: link("MASK"),
      x: int({ default: 0, min: 0, max: 16384, step: 1 }),
      y: int({ default: 0, min: 0, max: 16384, step: 1 }),
      operation: choice(["multiply", "add", "subtract", "and", "or", "xor"]),
    },
    outputs: ["MASK"],
  },
  MaskToImage: {
    category: "mask",
    inputs: {
      mask: link("MASK"),
    },
    outputs: ["IMAGE"],
  },
  SolidMask: {
    category: "mask",
    inputs: {
      value: float({ default: 1, min: 0, max: 1, step: 0.01 }),
      width: int({ default: 512, min: 1, max: 16384, step: 1 }),
      height: int({ default: 512, min: 1, max: 16384, step: 1 }),
    },
    outputs: ["MASK"],
  },
  ThresholdMask: {
    category: "mask",
    inputs: {
      mask: link("MASK"),
      value: float({ default: 0.5, min: 0, max: 1, step: 0.01 }),
    },
    outputs: ["MASK"],
  },
};
