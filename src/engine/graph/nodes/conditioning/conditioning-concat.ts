/** ConditioningConcat: appends the tokens of one prompt to another. */
import { concatTokens } from "../../../diffusion/text/conditioning.ts";
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { changedParts } from "../../run/changed-parts.ts";
import { checkPrompts, tokensOf } from "../../run/conditioning-limits.ts";

export const ConditioningConcat: NodeClass = {
  name: "ConditioningConcat",
  category: "prompt",
  inputs: {
    conditioning_to: link("CONDITIONING"),
    conditioning_from: link("CONDITIONING"),
  },
  outputs: ["CONDITIONING"],
  /** Both keep where and when the first one's parts count, and take the first part of the other. */
  run(inputs) {
    const to = inputs.link("conditioning_to", "CONDITIONING");
    const [from] = inputs.link("conditioning_from", "CONDITIONING");
    const added = to.length * (from?.conditioning.tokens ?? 0);
    checkPrompts({ parts: to.length, tokens: tokensOf(to) + added });
    return changedParts(inputs, "conditioning_to", (part) =>
      from === undefined
        ? part
        : { ...part, conditioning: concatTokens(part.conditioning, from.conditioning) },
    );
  },
};
