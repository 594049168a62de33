/** SDTurboScheduler: makes the sigmas of SD-Turbo. */
import { turboSigmas } from "../../../diffusion/schedule/table-schedules.ts";
import { float, int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { newSigmas, tableOf } from "../../run/sigma-runners.ts";

export const SDTurboScheduler: NodeClass = {
  name: "SDTurboScheduler",
  category: "sampling/sigmas",
  inputs: {
    model: link("MODEL"),
    steps: int({ default: 1, min: 1, max: 10 }),
    denoise: float({ default: 1, min: 0, max: 1, step: 0.01 }),
  },
  outputs: ["SIGMAS"],
  run: newSigmas((inputs, steps) => turboSigmas(tableOf(inputs), steps, inputs.number("denoise"))),
};
