/** FlipSigmas: reverses a list of sigmas. */
import { flipSigmas } from "../../../diffusion/schedule/sigma-edits.ts";
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { editedSigmas } from "../../run/sigma-runners.ts";

export const FlipSigmas: NodeClass = {
  name: "FlipSigmas",
  category: "sampling/sigmas",
  inputs: {
    sigmas: link("SIGMAS"),
  },
  outputs: ["SIGMAS"],
  run: editedSigmas(flipSigmas),
};
