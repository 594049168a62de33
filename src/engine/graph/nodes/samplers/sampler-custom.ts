/** SamplerCustom: samples a latent with the sampler and the sigmas that are linked. */
import { float, link, SEED, toggle } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { runCustom } from "../../run/sample.ts";
import { guiderIn } from "../../run/sampling-inputs.ts";
import type { Noise } from "../../run/values.ts";

export const SamplerCustom: NodeClass = {
  name: "SamplerCustom",
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
  async run(inputs, context) {
    const noise: Noise = {
      seed: inputs.seed("noise_seed"),
      source: inputs.flag("add_noise") ? "seeded" : "none",
    };
    return await runCustom(inputs, context, { guider: guiderIn(inputs), noise });
  },
};
