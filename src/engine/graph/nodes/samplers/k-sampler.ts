/** KSampler: samples a latent with a model and two prompts. */
import { SAMPLER_NAMES, SCHEDULERS } from "../../choices.ts";
import { choice, float, int, link, SEED } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { runKSampler } from "../../run/sample.ts";

export const KSampler: NodeClass = {
  name: "KSampler",
  category: "sampling",
  inputs: {
    model: link("MODEL"),
    seed: SEED,
    steps: int({ default: 20, min: 1, max: 10000 }),
    cfg: float({ default: 8, min: 0, max: 100, step: 0.1, round: 0.01 }),
    sampler_name: choice(SAMPLER_NAMES),
    scheduler: choice(SCHEDULERS),
    positive: link("CONDITIONING"),
    negative: link("CONDITIONING"),
    latent_image: link("LATENT"),
    denoise: float({ default: 1, min: 0, max: 1, step: 0.01 }),
  },
  outputs: ["LATENT"],
  run: async (inputs, context) =>
    await runKSampler(inputs, context, {
      noise: { seed: inputs.seed("seed"), source: "seeded" },
      denoise: inputs.number("denoise"),
    }),
};
