/** VPScheduler: makes the sigmas of a variance-preserving process. */
import { vpSigmas } from "../../../diffusion/schedule/curve-schedules.ts";
import { float, int } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { newSigmas } from "../../run/sigma-runners.ts";

export const VPScheduler: NodeClass = {
  name: "VPScheduler",
  category: "sampling/sigmas",
  inputs: {
    steps: int({ default: 20, min: 1, max: 10000 }),
    beta_d: float({ default: 19.9, min: 0, max: 5000, step: 0.01, round: false }),
    beta_min: float({ default: 0.1, min: 0, max: 5000, step: 0.01, round: false }),
    eps_s: float({ default: 0.001, min: 0, max: 1, step: 0.0001, round: false }),
  },
  outputs: ["SIGMAS"],
  run: newSigmas((inputs, steps) =>
    vpSigmas(
      steps,
      ...(["beta_d", "beta_min", "eps_s"] as const).map((name) => inputs.number(name)),
    ),
  ),
};
