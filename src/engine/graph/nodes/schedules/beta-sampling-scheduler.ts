/** BetaSamplingScheduler: spaces timesteps by a beta distribution. */
import { betaSigmas } from "../../../diffusion/schedule/table-schedules.ts";
import { float, int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { newSigmas, tableOf } from "../../run/sigma-runners.ts";

export const BetaSamplingScheduler: NodeClass = {
  name: "BetaSamplingScheduler",
  category: "sampling/sigmas",
  inputs: {
    model: link("MODEL"),
    steps: int({ default: 20, min: 1, max: 10000 }),
    alpha: float({ default: 0.6, min: 0, max: 50, step: 0.01, round: false }),
    beta: float({ default: 0.6, min: 0, max: 50, step: 0.01, round: false }),
  },
  outputs: ["SIGMAS"],
  run: newSigmas((inputs, steps) =>
    betaSigmas(tableOf(inputs), steps, {
      alpha: inputs.number("alpha"),
      beta: inputs.number("beta"),
    }),
  ),
};
