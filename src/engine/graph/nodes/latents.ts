/** Declares the nodes that make, change and decode latents. */

import type { Declarations } from "../declarations.ts";
import { choice, float, int, link, toggle } from "../input-declaration.ts";
import { CROPS, FLIPS, LATENT_UPSCALE_METHODS, ROTATIONS } from "./choices.ts";

export const LATENT_NODES: Declarations = {
  EmptyLatentImage: {
    category: "latent",
    inputs: {
      width: int({ default: 512, min: 16, max: 16384, step: 8 }),
      height: int({ default: 512, min: 16, max: 16384, step: 8 }),
      batch_size: int({ default: 1, min: 1, max: 4096 }),
    },
    outputs: ["LATENT"],
  },
  LatentAdd: {
    category: "latent",
    inputs: {
      samples1: link("LATENT"),
      samples2: link("LATENT"),
    },
    outputs: ["LATENT"],
  },
  LatentBatch: {
    category: "latent",
    inputs: {
      samples1: link("LATENT"),
      samples2: link("LATENT"),
    },
    outputs: ["LATENT"],
  },
  LatentBlend: {
    category: "latent",
    inputs: {
      samples1: link("LATENT"),
      samples2: link("LATENT"),
      blend_factor: float({ default: 0.5, min: 0, max: 1, step: 0.01 }),
    },
    outputs: ["LATENT"],
  },
  LatentComposite: {
    category: "latent",
    inputs: {
      samples_to: link("LATENT"),
      samples_from: link("LATENT"),
      x: int({ default: 0, min: 0, max: 16384, step: 8 }),
      y: int({ default: 0, min: 0, max: 16384, step: 8 }),
      feather: int({ default: 0, min: 0, max: 16384, step: 8 }),
    },
    outputs: ["LATENT"],
  },
  LatentCompositeMasked: {
    category: "latent",
    inputs: {
      destination: link("LATENT"),
      source: link("LATENT"),
      x: int({ default: 0, min: 0, max: 16384, step: 8 }),
      y: int({ default: 0, min: 0, max: 16384, step: 8 }),
      resize_source: toggle(false),
    },
    optional: {
      mask: link("MASK"),
    },
    outputs: ["LATENT"],
  },
  LatentCrop: {
    category: "latent",
    inputs: {
      samples: link("LATENT"),
      width: int({ default: 512, min: 64, max: 16384, step: 8 }),
      height: int({ default: 512, min: 64, max: 16384, step: 8 }),
      x: int({ default: 0, min: 0, max: 16384, step: 8 }),
      y: int({ default: 0, min: 0, max: 16384, step: 8 }),
    },
    outputs: ["LATENT"],
  },
  LatentFlip: {
    category: "latent",
    inputs: {
      samples: link("LATENT"),
      flip_method: choice(FLIPS),
    },
    outputs: ["LATENT"],
  },
  LatentFromBatch: {
    category: "latent",
    inputs: {
      samples: link("LATENT"),
      batch_index: int({ default: 0, min: 0, max: 63 }),
      length: int({ default: 1, min: 1, max: 64 }),
    },
    outputs: ["LATENT"],
  },
  LatentInterpolate: {
    category: "latent",
    inputs: {
      samples1: link("LATENT"),
      samples2: link("LATENT"),
      ratio: float({ default: 1, min: 0, max: 1, step: 0.01 }),
    },
    outputs: ["LATENT"],
  },
  LatentMultiply: {
    category: "latent",
    inputs: {
      samples: link("LATENT"),
      multiplier: float({ default: 1, min: -10, max: 10, step: 0.01 }),
    },
    outputs: ["LATENT"],
  },
  LatentRotate: {
    category: "latent",
    inputs: {
      samples: link("LATENT"),
      rotation: choice(ROTATIONS),
    },
    outputs: ["LATENT"],
  },
  LatentSubtract: {
    category: "latent",
    inputs: {
      samples1: link("LATENT"),
      samples2: link("LATENT"),
    },
    outputs: ["LATENT"],
  },
  LatentUpscale: {
    category: "latent",
    inputs: {
      samples: link("LATENT"),
      upscale_method: choice(LATENT_UPSCALE_METHODS),
      width: int({ default: 512, min: 0, max: 16384, step: 8 }),
      height: int({ default: 512, min: 0, max: 16384, step: 8 }),
      crop: choice(CROPS),
    },
    outputs: ["LATENT"],
  },
  LatentUpscaleBy: {
    category: "latent",
    inputs: {
      samples: link("LATENT"),
      upscale_method: choice(LATENT_UPSCALE_METHODS),
      scale_by: float({ default: 1.5, min: 0.01, max: 8, step: 0.01 }),
    },
    outputs: ["LATENT"],
  },
  RepeatLatentBatch: {
    category: "latent",
    inputs: {
      samples: link("LATENT"),
      amount: int({ default: 1, min: 1, max: 64 }),
    },
    outputs: ["LATENT"],
  },
  SetLatentNoiseMask: {
    category: "latent",
    inputs: {
      samples: link("LATENT"),
      mask: link("MASK"),
    },
    outputs: ["LATENT"],
  },
  VAEDecode: {
    category: "latent",
    inputs: {
      samples: link("LATENT"),
      vae: link("VAE"),
    },
    outputs: ["IMAGE"],
  },
  VAEEncode: {
    category: "latent",
    inputs: {
      pixels: link("IMAGE"),
      vae: link("VAE"),
    },
    outputs: ["LATENT"],
  },
  VAEEncodeForInpaint: {
    category: "latent",
    inputs: {
      pixels: link("IMAGE"),
      vae: link("VAE"),
      mask: link("MASK"),
      grow_mask_by: int({ default: 6, min: 0, max: 64, step: 1 }),
    },
    outputs: ["LATENT"],
  },
};
