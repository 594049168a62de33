/** ExponentialScheduler: spaces sigmas evenly by their logarithm. */
import { exponentialSigmas } from "../../../diffusion/schedule/curve-schedules.ts";
import { float, int } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { newSigmas, rangeOf } from "../../run/sigma-runners.ts";

export const ExponentialScheduler: NodeClass = {
  name: "ExponentialScheduler",
  category: "sampling/sigmas",
  inputs: {
    steps: int({ default: 20, min: 1, max: 10000 }),
    sigma_max: float({ default: 14.614642, min: 0, max: 5000, step: 0.01, round: false }),
    sigma_min: float({ default: 0.0291675, min: 0, max: 5000, step: 0.01, round: false }),
  },
  outputs: ["SIGMAS"],
  run: newSigmas((inputs, steps) => exponentialSigmas(rangeOf(inputs), steps)),
};
