/** SamplerCustomAdvanced: samples a latent with the noise, the guider, the sampler and the sigmas that are linked. */
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { runCustom } from "../../run/sample.ts";

export const SamplerCustomAdvanced: NodeClass = {
  name: "SamplerCustomAdvanced",
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
  async run(inputs, context) {
    const guider = inputs.link("guider", "GUIDER");
    return await runCustom(inputs, context, { guider, noise: inputs.link("noise", "NOISE") });
  },
};
