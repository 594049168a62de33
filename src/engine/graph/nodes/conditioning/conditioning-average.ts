/** ConditioningAverage: mixes the embeddings of two prompts. */
import { averaged } from "../../../diffusion/text/conditioning.ts";
import { float, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { changedParts } from "../../run/changed-parts.ts";

export const ConditioningAverage: NodeClass = {
  name: "ConditioningAverage",
  category: "prompt",
  inputs: {
    conditioning_to: link("CONDITIONING"),
    conditioning_from: link("CONDITIONING"),
    conditioning_to_strength: float({ default: 1, min: 0, max: 1, step: 0.01 }),
  },
  outputs: ["CONDITIONING"],
  run(inputs) {
    const [from] = inputs.link("conditioning_from", "CONDITIONING");
    const strength = inputs.number("conditioning_to_strength");
    return changedParts(inputs, "conditioning_to", (part) =>
      from === undefined
        ? part
        : { ...part, conditioning: averaged(part.conditioning, from.conditioning, strength) },
    );
  },
};
