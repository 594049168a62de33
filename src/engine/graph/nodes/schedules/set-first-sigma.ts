/** SetFirstSigma: replaces the first sigma. */
import { setFirstSigma } from "../../../diffusion/schedule/sigma-edits.ts";
import { float, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { editedSigmas } from "../../run/sigma-runners.ts";

export const SetFirstSigma: NodeClass = {
  name: "SetFirstSigma",
  category: "sampling/sigmas",
  inputs: {
    sigmas: link("SIGMAS"),
    sigma: float({ default: 136, min: 0, max: 20000, step: 0.001, round: false }),
  },
  outputs: ["SIGMAS"],
  run: editedSigmas((sigmas, inputs) => setFirstSigma(sigmas, inputs.number("sigma"))),
};
