/** AlignYourStepsScheduler: makes the sigmas of "Align Your Steps" for a family of models. */
import { type AlignedFamily, alignedSigmas } from "../../../diffusion/schedule/align-your-steps.ts";
import { choice, float, int } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { newSigmas } from "../../run/sigma-runners.ts";

export const AlignYourStepsScheduler: NodeClass = {
  name: "AlignYourStepsScheduler",
  category: "sampling/sigmas",
  inputs: {
    model_type: choice(["SD1", "SDXL", "SVD"]),
    steps: int({ default: 10, min: 1, max: 10000 }),
    denoise: float({ default: 1, min: 0, max: 1, step: 0.01 }),
  },
  outputs: ["SIGMAS"],
  run: newSigmas((inputs, steps) => {
    const family = inputs.text("model_type") as AlignedFamily; // one of the class's choices
    return alignedSigmas(family, steps, inputs.number("denoise"));
  }),
};
