/** Declares the nodes that change the size, the place or the direction of pictures. */

import type { Declarations } from "../declarations.ts";
import { choice, float, int, link } from "../input-declaration.ts";
import { CROPS, FLIPS, ROTATIONS, UPSCALE_METHODS } from "./choices.ts";

export const IMAGE_SIZE_NODES: Declarations = {
  ImageScale: {
    category: "image/size",
    inputs: {
      image: link("IMAGE"),
      upscale_method: choice(UPSCALE_METHODS),
      width: int({ default: 512, min: 0, max: 16384, step: 1 }),
      height: int({ default: 512, min: 0, max: 16384, step: 1 }),
      crop: choice(CROPS),
    },
    outputs: ["IMAGE"],
  },
  ImageScaleBy: {
    category: "image/size",
    inputs: {
      image: link("IMAGE"),
      upscale_method: choice(UPSCALE_METHODS),
      scale_by: float({ default: 1, min: 0.01, max: 8, step: 0.01 }),
    },
    outputs: ["IMAGE"],
  },
  ImageScaleToMaxDimension: {
    category: "image/size",
    inputs: {
      image: link("IMAGE"),
      upscale_method: choice([
        "area",
        "lanczos",
        "bilinear",
        "nearest-exact",
        "bilinear",
        "bicubic",
      ]),
      largest_size: int({ default: 512, min: 0, max: 16384, step: 1 }),
    },
    outputs: ["IMAGE"],
  },
  ImageScaleToTotalPixels: {
    category: "image/size",
    inputs: {
      image: link("IMAGE"),
      upscale_method: choice(UPSCALE_METHODS),
      megapixels: float({ default: 1, min: 0.01, max: 16, step: 0.01 }),
    },
    outputs: ["IMAGE"],
  },
  ResizeAndPadImage: {
    category: "image/size",
    inputs: {
      image: link("IMAGE"),
      target_width: int({ default: 512, min: 1, max: 16384, step: 1 }),
      target_height: int({ default: 512, min: 1, max: 16384, step: 1 }),
      padding_color: choice(["white", "black"]),
      interpolation: choice(["area", "bicubic", "nearest-exact", "bilinear", "lanczos"]),
    },
    outputs: ["IMAGE"],
  },
  ImageCrop: {
    category: "image/size",
    inputs: {
      image: link("IMAGE"),
      width: int({ default: 512, min: 1, max: 16384, step: 1 }),
      height: int({ default: 512, min: 1, max: 16384, step: 1 }),
      x: int({ default: 0, min: 0, max: 16384, step: 1 }),
      y: int({ default: 0, min: 0, max: 16384, step: 1 }),
    },
    outputs: ["IMAGE"],
  },
  ImagePadForOutpaint: {
    category: "image/size",
    inputs: {
      image: link("IMAGE"),
      left: int({ default: 0, min: 0, max: 16384, step: 8 }),
      top: int({ default: 0, min: 0, max: 16384, step: 8 }),
      right: int({ default: 0, min: 0, max: 16384, step: 8 }),
      bottom: int({ default: 0, min: 0, max: 16384, step: 8 }),
      feathering: int({ default: 40, min: 0, max: 16384, step: 1 }),
    },
    outputs: ["IMAGE", "MASK"],
  },
  ImageRotate: {
    category: "image/size",
    inputs: {
      image: link("IMAGE"),
      rotation: choice(ROTATIONS),
    },
    outputs: ["IMAGE"],
  },
  ImageFlip: {
    category: "image/size",
    inputs: {
      image: link("IMAGE"),
      flip_method: choice(FLIPS),
    },
    outputs: ["IMAGE"],
  },
  GetImageSize: {
    category: "image/size",
    inputs: {
      image: link("IMAGE"),
    },
    outputs: ["INT", "INT", "INT"],
    outputNames: ["width", "height", "batch_size"],
  },
};
