/** KSamplerAdvanced: samples a part of a schedule, with or without noise at its ends. */
import { SAMPLER_NAMES, SCHEDULERS } from "../../choices.ts";
import { choice, float, int, link, SEED } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { runKSampler } from "../../run/sample.ts";

export const KSamplerAdvanced: NodeClass = {
  name: "KSamplerAdvanced",
  category: "sampling",
  inputs: {
    model: link("MODEL"),
    add_noise: choice(["enable", "disable"]),
    noise_seed: SEED,
    steps: int({ default: 20, min: 1, max: 10000 }),
    cfg: float({ default: 8, min: 0, max: 100, step: 0.1, round: 0.01 }),
    sampler_name: choice(SAMPLER_NAMES),
    scheduler: choice(SCHEDULERS),
    positive: link("CONDITIONING"),
    negative: link("CONDITIONING"),
    latent_image: link("LATENT"),
    start_at_step: int({ default: 0, min: 0, max: 10000 }),
    end_at_step: int({ default: 10000, min: 0, max: 10000 }),
    return_with_leftover_noise: choice(["disable", "enable"]),
  },
  outputs: ["LATENT"],
  async run(inputs, context) {
    const isNoisy = inputs.text("add_noise") === "enable";
    const isLeftNoisy = inputs.text("return_with_leftover_noise") === "enable";
    return await runKSampler(inputs, context, {
      noise: { seed: inputs.seed("noise_seed"), source: isNoisy ? "seeded" : "none" },
      denoise: 1,
      part: {
        start: inputs.number("start_at_step"),
        end: inputs.number("end_at_step"),
        leftoverNoise: isLeftNoisy ? "returned" : "removed",
      },
    });
  },
};
