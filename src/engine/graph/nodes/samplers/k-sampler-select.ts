/** KSamplerSelect: chooses a sampler by name. */
import { SAMPLERS } from "../../../diffusion/sampler/named-samplers.ts";
import { SAMPLER_NAMES } from "../../choices.ts";
import { choice } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";
import { samplerIn } from "../../run/sampling-inputs.ts";

export const KSamplerSelect: NodeClass = {
  name: "KSamplerSelect",
  category: "sampling",
  inputs: {
    sampler_name: choice(SAMPLER_NAMES),
  },
  outputs: ["SAMPLER"],
  run: (inputs) => [output("SAMPLER", SAMPLERS[samplerIn(inputs)])],
};
