/** Declares classes of other packs that comfystream's own workflows use, and that something here can stand in for. */

import type { Declarations } from "../declarations.ts";
import { choice, file, float, int, link, text, toggle } from "../input-declaration.ts";

const COMPILE = {
  backend: choice(["inductor", "cudagraphs"]),
  fullgraph: toggle(false),
  mode: choice(
    ["default", "max-autotune", "max-autotune-no-cudagraphs", "reduce-overhead"],
    "default",
  ),
};
const DEVICE = choice(["cuda", "cpu"], "cuda");
const BUILT_ALREADY = "Passes its model through: models are built for their device when they load.";

export const STAND_IN_NODES: Declarations = {
  TensorRTLoader: {
    category: "models/load",
    inputs: { unet_name: file("diffusion_model"), model_type: text("SD15") },
    outputs: ["MODEL"],
    note: "Loads the model folder of that name; model_type is ignored, since the folder says what the model is.",
  },
  TorchCompileLoadControlNet: {
    category: "models/load",
    inputs: { controlnet: link("CONTROL_NET"), ...COMPILE },
    outputs: ["CONTROL_NET"],
    note: BUILT_ALREADY,
  },
  TorchCompileLoadVAE: {
    category: "models/load",
    inputs: {
      vae: link("VAE"),
      ...COMPILE,
      compile_encoder: toggle(true),
      compile_decoder: toggle(true),
    },
    outputs: ["VAE"],
    note: BUILT_ALREADY,
  },
  FeatureBankAttentionProcessor: {
    category: "sampling/model",
    inputs: {
      model: link("MODEL"),
      use_feature_injection: toggle(true),
      feature_injection_strength: float({ default: 0.8, min: 0, max: 1, step: 0.01 }),
      feature_similarity_threshold: float({ default: 0.98, min: 0, max: 1, step: 0.01 }),
      feature_cache_interval: int({ default: 4, min: 1, max: 64 }),
      feature_bank_max_frames: int({ default: 4, min: 1, max: 16 }),
    },
    outputs: ["MODEL"],
    note: "Passes its model through: features are not carried from frame to frame.",
  },
  DepthAnythingTensorrt: {
    category: "models/run",
    inputs: { images: link("IMAGE"), engine: file("depth_model") },
    outputs: ["IMAGE"],
    note: "Runs the depth model folder of that name. It is no output node here.",
  },
  Composite: {
    category: "image",
    inputs: {
      foregrounds: link("IMAGE"),
      backgrounds: link("IMAGE"),
      foreground_masks: link("MASK"),
      mode: DEVICE,
    },
    outputs: ["IMAGE"],
    note: "Runs on the worker's device; mode is ignored.",
  },
  BackgroundColor: {
    category: "image",
    inputs: {
      images: link("IMAGE"),
      color: choice(["black", "red", "blue", "green"], "black"),
    },
    outputs: ["IMAGE"],
  },
  GaussianBlur: {
    category: "image/filter",
    inputs: {
      images: link("IMAGE"),
      kernel_size: int({ default: 61, min: 1, step: 2 }),
      sigma: int({ default: 5, min: 1, step: 1 }),
      mode: DEVICE,
    },
    outputs: ["IMAGE"],
    note: "Runs on the worker's device; mode is ignored.",
  },
};
