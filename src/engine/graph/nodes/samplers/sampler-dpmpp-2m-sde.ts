/** SamplerDPMPP_2M_SDE: makes the sampler dpmpp_2m_sde with given options. */
import { dpmpp2mSde } from "../../../diffusion/sampler/dpmpp-multistep.ts";
import { choice, float } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";
import { noiseOptions } from "../../run/sampling-inputs.ts";

export const SamplerDPMPP_2M_SDE: NodeClass = {
  name: "SamplerDPMPP_2M_SDE",
  category: "sampling",
  inputs: {
    solver_type: choice(["midpoint", "heun"]),
    eta: float({ default: 1, min: 0, max: 100, step: 0.01, round: false }),
    s_noise: float({ default: 1, min: 0, max: 100, step: 0.01, round: false }),
    noise_device: choice(["gpu", "cpu"]),
  },
  outputs: ["SAMPLER"],
  run(inputs) {
    const solver = inputs.text("solver_type") === "heun" ? "heun" : "midpoint";
    const sample = dpmpp2mSde({ ...noiseOptions(inputs), solver });
    return [output("SAMPLER", { sample, noise: "brownian" })];
  },
};
