/** SamplerLCMUpscale: makes a sampler like lcm that resizes the latent while it samples. */
import { choice, float, int } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { lcmUpscale } from "../../run/lcm-upscale.ts";
import { output } from "../../run/node-runner.ts";
import type { ResizeMethod } from "../../run/resize.ts";

export const SamplerLCMUpscale: NodeClass = {
  name: "SamplerLCMUpscale",
  category: "sampling",
  inputs: {
    scale_ratio: float({ default: 1, min: 0.1, max: 20, step: 0.01 }),
    scale_steps: int({ default: -1, min: -1, max: 1000, step: 1 }),
    upscale_method: choice(["bislerp", "nearest-exact", "bilinear", "area", "bicubic"]),
  },
  outputs: ["SAMPLER"],
  run(inputs) {
    const scaling = {
      ratio: inputs.number("scale_ratio"),
      steps: inputs.number("scale_steps"),
      method: inputs.text("upscale_method") as ResizeMethod, // one of the class's choices
    };
    return [output("SAMPLER", { sample: lcmUpscale(scaling), noise: "continued" })];
  },
};
