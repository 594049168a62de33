/** SplitSigmas: splits a list of sigmas at a step. */
import { splitSigmas } from "../../../diffusion/schedule/sigma-edits.ts";
import { int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const SplitSigmas: NodeClass = {
  name: "SplitSigmas",
  category: "sampling/sigmas",
  inputs: {
    sigmas: link("SIGMAS"),
    step: int({ default: 0, min: 0, max: 10000 }),
  },
  outputs: ["SIGMAS", "SIGMAS"],
  outputNames: ["high_sigmas", "low_sigmas"],
  run(inputs) {
    const { high, low } = splitSigmas(inputs.link("sigmas", "SIGMAS"), inputs.number("step"));
    return [output("SIGMAS", high), output("SIGMAS", low)];
  },
};
