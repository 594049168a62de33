/** SamplerLCMUpscale: makes the sampler lcm that enlarges the latent while it samples. */
import { choice, float, int } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const SamplerLCMUpscale: NodeClass = {
  name: "SamplerLCMUpscale",
  category: "sampling",
  inputs: {
    scale_ratio: float({ default: 1, min: 0.1, max: 20, step: 0.01 }),
    scale_steps: int({ default: -1, min: -1, max: 1000, step: 1 }),
    upscale_method: choice(["bislerp", "nearest-exact", "bilinear", "area", "bicubic"]),
  },
  outputs: ["SAMPLER"],
};
