/** BasicScheduler: makes the sigmas of one of ComfyUI's named schedules. */
import { basicSchedulerSigmas } from "../../../diffusion/schedule/named-schedules.ts";
import { SCHEDULERS } from "../../choices.ts";
import { choice, float, int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { scheduleIn } from "../../run/sampling-inputs.ts";
import { newSigmas, tableOf } from "../../run/sigma-runners.ts";

export const BasicScheduler: NodeClass = {
  name: "BasicScheduler",
  category: "sampling/sigmas",
  inputs: {
    model: link("MODEL"),
    scheduler: choice(SCHEDULERS),
    steps: int({ default: 20, min: 1, max: 10000 }),
    denoise: float({ default: 1, min: 0, max: 1, step: 0.01 }),
  },
  outputs: ["SIGMAS"],
  run: newSigmas((inputs, steps) =>
    basicSchedulerSigmas(tableOf(inputs), {
      schedule: scheduleIn(inputs),
      steps,
      denoise: inputs.number("denoise"),
    }),
  ),
};
