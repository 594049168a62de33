/** KarrasScheduler: makes the sigmas of Karras et al. 2022. */
import { karrasSigmas } from "../../../diffusion/schedule/curve-schedules.ts";
import { float, int } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { newSigmas, rangeOf } from "../../run/sigma-runners.ts";

export const KarrasScheduler: NodeClass = {
  name: "KarrasScheduler",
  category: "sampling/sigmas",
  inputs: {
    steps: int({ default: 20, min: 1, max: 10000 }),
    sigma_max: float({ default: 14.614642, min: 0, max: 5000, step: 0.01, round: false }),
    sigma_min: float({ default: 0.0291675, min: 0, max: 5000, step: 0.01, round: false }),
    rho: float({ default: 7, min: 0, max: 100, step: 0.01, round: false }),
  },
  outputs: ["SIGMAS"],
  run: newSigmas((inputs, steps) => karrasSigmas(rangeOf(inputs), steps, inputs.number("rho"))),
};
