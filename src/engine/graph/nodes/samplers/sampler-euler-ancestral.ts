/** SamplerEulerAncestral: makes the sampler euler_ancestral with given options. */
import { eulerAncestral } from "../../../diffusion/sampler/euler.ts";
import type { SamplerMethod } from "../../../diffusion/sampler/named-samplers.ts";
import { float } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";
import { noiseOptions } from "../../run/sampling-inputs.ts";

export const SamplerEulerAncestral: NodeClass = {
  name: "SamplerEulerAncestral",
  category: "sampling",
  inputs: {
    eta: float({ default: 1, min: 0, max: 100, step: 0.01, round: false }),
    s_noise: float({ default: 1, min: 0, max: 100, step: 0.01, round: false }),
  },
  outputs: ["SAMPLER"],
  run(inputs) {
    const method: SamplerMethod = { sample: eulerAncestral(noiseOptions(inputs)), noise: "normal" };
    return [output("SAMPLER", method)];
  },
};
