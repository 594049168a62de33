/** ExtendIntermediateSigmas: adds sigmas between those of a list. */
import { extendSigmas, type Refinement } from "../../../diffusion/schedule/sigma-edits.ts";
import { choice, float, int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { checkedSigmas, editedSigmas } from "../../run/sigma-runners.ts";

export const ExtendIntermediateSigmas: NodeClass = {
  name: "ExtendIntermediateSigmas",
  category: "sampling/sigmas",
  inputs: {
    sigmas: link("SIGMAS"),
    steps: int({ default: 2, min: 1, max: 100 }),
    start_at_sigma: float({ default: -1, min: -1, max: 20000, step: 0.01, round: false }),
    end_at_sigma: float({ default: 12, min: 0, max: 20000, step: 0.01, round: false }),
    spacing: choice(["linear", "cosine", "sine"]),
  },
  outputs: ["SIGMAS"],
  run: editedSigmas((sigmas, inputs) =>
    checkedSigmas(
      extendSigmas(sigmas, {
        steps: inputs.number("steps"),
        startAtSigma: inputs.number("start_at_sigma"),
        endAtSigma: inputs.number("end_at_sigma"),
        spacing: inputs.text("spacing") as Refinement["spacing"], // one of the class's choices
      }),
    ),
  ),
};
