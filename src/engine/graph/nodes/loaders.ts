/** Declares the loaders of checkpoints and their parts. */

import type { Declarations } from "../declarations.ts";
import { choice, file } from "../input-declaration.ts";

export const LOADER_NODES: Declarations = {
  CheckpointLoaderSimple: {
    category: "models/load",
    inputs: {
      ckpt_name: file("checkpoint"),
    },
    outputs: ["MODEL", "CLIP", "VAE"],
  },
  UNETLoader: {
    category: "models/load",
    inputs: {
      unet_name: file("diffusion_model"),
      weight_dtype: choice(["default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2"]),
    },
    outputs: ["MODEL"],
  },
  CLIPLoader: {
    category: "models/load",
    inputs: {
      clip_name: file("text_encoder"),
      type: choice([
        "stable_diffusion",
        "stable_cascade",
        "sd3",
        "stable_audio",
        "mochi",
        "ltxv",
        "pixart",
        "cosmos",
        "lumina2",
        "wan",
        "hidream",
        "chroma",
        "ace",
        "omnigen2",
        "qwen_image",
        "hunyuan_image",
      ]),
    },
    optional: {
      device: choice(["default", "cpu"]),
    },
    outputs: ["CLIP"],
  },
  DualCLIPLoader: {
    category: "models/load",
    inputs: {
      clip_name1: file("text_encoder"),
      clip_name2: file("text_encoder"),
      type: choice(["sdxl", "sd3", "flux", "hunyuan_video", "hidream", "hunyuan_image"]),
    },
    optional: {
      device: choice(["default", "cpu"]),
    },
    outputs: ["CLIP"],
  },
  VAELoader: {
    category: "models/load",
    inputs: {
      vae_name: file("vae"),
    },
    outputs: ["VAE"],
  },
  ControlNetLoader: {
    category: "models/load",
    inputs: {
      control_net_name: file("controlnet"),
    },
    outputs: ["CONTROL_NET"],
  },
};
