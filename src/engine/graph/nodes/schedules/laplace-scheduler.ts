/** LaplaceScheduler: spaces sigmas by a Laplace distribution. */
import { laplaceSigmas } from "../../../diffusion/schedule/curve-schedules.ts";
import { float, int } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { newSigmas, rangeOf } from "../../run/sigma-runners.ts";

export const LaplaceScheduler: NodeClass = {
  name: "LaplaceScheduler",
  category: "sampling/sigmas",
  inputs: {
    steps: int({ default: 20, min: 1, max: 10000 }),
    sigma_max: float({ default: 14.614642, min: 0, max: 5000, step: 0.01, round: false }),
    sigma_min: float({ default: 0.0291675, min: 0, max: 5000, step: 0.01, round: false }),
    mu: float({ default: 0, min: -10, max: 10, step: 0.1, round: false }),
    beta: float({ default: 0.5, min: 0, max: 10, step: 0.1, round: false }),
  },
  outputs: ["SIGMAS"],
  run: newSigmas((inputs, steps) =>
    laplaceSigmas(rangeOf(inputs), steps, inputs.number("mu"), inputs.number("beta")),
  ),
};
