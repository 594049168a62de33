/** SplitSigmasDenoise: splits a list of sigmas by the share that is denoised. */
import { splitSigmasByDenoise } from "../../../diffusion/schedule/sigma-edits.ts";
import { float, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const SplitSigmasDenoise: NodeClass = {
  name: "SplitSigmasDenoise",
  category: "sampling/sigmas",
  inputs: {
    sigmas: link("SIGMAS"),
    denoise: float({ default: 1, min: 0, max: 1, step: 0.01 }),
  },
  outputs: ["SIGMAS", "SIGMAS"],
  outputNames: ["high_sigmas", "low_sigmas"],
  run(inputs) {
    const sigmas = inputs.link("sigmas", "SIGMAS");
    const { high, low } = splitSigmasByDenoise(sigmas, inputs.number("denoise"));
    return [output("SIGMAS", high), output("SIGMAS", low)];
  },
};
