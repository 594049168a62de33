/** SamplerDPMPP_SDE: makes the sampler dpmpp_sde with given options. */
import { dpmppSde } from "../../../diffusion/sampler/dpmpp-singlestep.ts";
import { choice, float } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";
import { noiseOptions } from "../../run/sampling-inputs.ts";

export const SamplerDPMPP_SDE: NodeClass = {
  name: "SamplerDPMPP_SDE",
  category: "sampling",
  inputs: {
    eta: float({ default: 1, min: 0, max: 100, step: 0.01, round: false }),
    s_noise: float({ default: 1, min: 0, max: 100, step: 0.01, round: false }),
    r: float({ default: 0.5, min: 0, max: 100, step: 0.01, round: false }),
    noise_device: choice(["gpu", "cpu"]),
  },
  outputs: ["SAMPLER"],
  run(inputs) {
    const sample = dpmppSde({ ...noiseOptions(inputs), r: inputs.number("r") });
    return [output("SAMPLER", { sample, noise: "brownian" })];
  },
};
