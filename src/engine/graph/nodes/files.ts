/** Declares the nodes that read and write files. */

import type { Declarations } from "../declarations.ts";
import { choice, file, link, text } from "../input-declaration.ts";

export const FILE_NODES: Declarations = {
  LoadImage: {
    category: "files",
    inputs: {
      image: file("image"),
    },
    outputs: ["IMAGE", "MASK"],
  },
  LoadImageMask: {
    category: "files",
    inputs: {
      image: file("image"),
      channel: choice(["alpha", "red", "green", "blue"]),
    },
    outputs: ["MASK"],
  },
  LoadImageOutput: {
    category: "files",
    inputs: {
      image: file("output_image"),
    },
    outputs: ["IMAGE", "MASK"],
  },
  LoadLatent: {
    category: "files",
    inputs: {
      latent: file("latent"),
    },
    outputs: ["LATENT"],
  },
  SaveImage: {
    category: "files",
    inputs: {
      images: link("IMAGE"),
      filename_prefix: text("ComfyUI"),
    },
    outputs: [],
    isOutput: true,
  },
  PreviewImage: {
    category: "files",
    inputs: {
      images: link("IMAGE"),
    },
    outputs: [],
    isOutput: true,
  },
  SaveLatent: {
    category: "files",
    inputs: {
      samples: link("LATENT"),
      filename_prefix: text("latents/ComfyUI"),
    },
    outputs: [],
    isOutput: true,
  },
};
