/** Declares the samplers, and what configures them: noise, guidance and the model's parametrisation. */

import type { Declarations } from "../declarations.ts";
import { choice, float, int, link, SEED, toggle } from "../input-declaration.ts";
import { SAMPLERS, SCHEDULERS } from "./choices.ts";

export const SAMPLER_NODES: Declarations = {
  KSampler: {
    category: "sampling",
    inputs: {
      model: link("MODEL"),
      seed: SEED,
      steps: int({ default: 20, min: 1, max: 10000 }),
      cfg: float({ default: 8, min: 0, max: 100, step: 0.1, round: 0.01 }),
      sampler_name: choice(SAMPLERS),
      scheduler: choice(SCHEDULERS),
      positive: link("CONDITIONING"),
      negative: link("CONDITIONING"),
      latent_image: link("LATENT"),
      denoise: float({ default: 1, min: 0, max: 1, step: 0.01 }),
    },
    outputs: ["LATENT"],
  },
  KSamplerAdvanced: {
    category: "sampling",
    inputs: {
      model: link("MODEL"),
      add_noise: choice(["enable", "disable"]),
      noise_seed: SEED,
      steps: int({ default: 20, min: 1, max: 10000 }),
      cfg: float({ default: 8, min: 0, max: 100, step: 0.1, round: 0.01 }),
      sampler_name: choice(SAMPLERS),
      scheduler: choice(SCHEDULERS),
      positive: link("CONDITIONING"),
      negative: link("CONDITIONING"),
      latent_image: link("LATENT"),
      start_at_step: int({ default: 0, min: 0, max: 10000 }),
      end_at_step: int({ default: 10000, min: 0, max: 10000 }),
      return_with_leftover_noise: choice(["disable", "enable"]),
    },
    outputs: ["LATENT"],
  },
  SamplerCustom: {
    category: "sampling",
    inputs: {
      model: link("MODEL"),
      add_noise: toggle(true),
      noise_seed: SEED,
      cfg: float({ default: 8, min: 0, max: 100, step: 0.1, round: 0.01 }),
      positive: link("CONDITIONING"),
      negative: link("CONDITIONING"),
      sampler: link("SAMPLER"),
      sigmas: link("SIGMAS"),
      latent_image: link("LATENT"),
    },
    outputs: ["LATENT", "LATENT"],
    outputNames: ["output", "denoised_output"],
  },
  SamplerCustomAdvanced: {
    category: "sampling",
    inputs: {
      noise: link("NOISE"),
      guider: link("GUIDER"),
      sampler: link("SAMPLER"),
      sigmas: link("SIGMAS"),
      latent_image: link("LATENT"),
    },
    outputs: ["LATENT", "LATENT"],
    outputNames: ["output", "denoised_output"],
  },
  KSamplerSelect: {
    category: "sampling",
    inputs: {
      sampler_name: choice(SAMPLERS),
    },
    outputs: ["SAMPLER"],
  },
  SamplerEulerAncestral: {
    category: "sampling",
    inputs: {
      eta: float({ default: 1, min: 0, max: 100, step: 0.01, round: false }),
      s_noise: float({ default: 1, min: 0, max: 100, step: 0.01, round: false }),
    },
    outputs: ["SAMPLER"],
  },
  SamplerDPMPP_SDE: {
    category: "sampling",
    inputs: {
      eta: float({ default: 1, min: 0, max: 100, step: 0.01, round: false }),
      s_noise: float({ default: 1, min: 0, max: 100, step: 0.01, round: false }),
      r: float({ default: 0.5, min: 0, max: 100, step: 0.01, round: false }),
      noise_device: choice(["gpu", "cpu"]),
    },
    outputs: ["SAMPLER"],
  },
  SamplerDPMPP_2M_SDE: {
    category: "sampling",
    inputs: {
      solver_type: choice(["midpoint", "heun"]),
      eta: float({ default: 1, min: 0, max: 100, step: 0.01, round: false }),
      s_noise: float({ default: 1, min: 0, max: 100, step: 0.01, round: false }),
      noise_device: choice(["gpu", "cpu"]),
    },
    outputs: ["SAMPLER"],
  },
  SamplerLCMUpscale: {
    category: "sampling",
    inputs: {
      scale_ratio: float({ default: 1, min: 0.1, max: 20, step: 0.01 }),
      scale_steps: int({ default: -1, min: -1, max: 1000, step: 1 }),
      upscale_method: choice(["bislerp", "nearest-exact", "bilinear", "area", "bicubic"]),
    },
    outputs: ["SAMPLER"],
  },
  RandomNoise: {
    category: "sampling",
    inputs: {
      noise_seed: SEED,
    },
    outputs: ["NOISE"],
  },
  DisableNoise: {
    category: "sampling",
    inputs: {},
    outputs: ["NOISE"],
  },
  BasicGuider: {
    category: "sampling",
    inputs: {
      model: link("MODEL"),
      conditioning: link("CONDITIONING"),
    },
    outputs: ["GUIDER"],
  },
  CFGGuider: {
    category: "sampling",
    inputs: {
      model: link("MODEL"),
      positive: link("CONDITIONING"),
      negative: link("CONDITIONING"),
      cfg: float({ default: 8, min: 0, max: 100, step: 0.1, round: 0.01 }),
    },
    outputs: ["GUIDER"],
  },
  ModelSamplingDiscrete: {
    category: "sampling/model",
    inputs: {
      model: link("MODEL"),
      sampling: choice(["eps", "v_prediction", "lcm", "x0", "img_to_img"]),
      zsnr: toggle(false),
    },
    outputs: ["MODEL"],
  },
  RescaleCFG: {
    category: "sampling/model",
    inputs: {
      model: link("MODEL"),
      multiplier: float({ default: 0.7, min: 0, max: 1, step: 0.01 }),
    },
    outputs: ["MODEL"],
  },
};
