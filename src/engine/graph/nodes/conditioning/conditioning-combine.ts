/** ConditioningCombine: applies two lists of prompts side by side. */
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { checkPrompts, tokensOf } from "../../run/conditioning-limits.ts";
import { output } from "../../run/node-runner.ts";

export const ConditioningCombine: NodeClass = {
  name: "ConditioningCombine",
  category: "prompt",
  inputs: {
    conditioning_1: link("CONDITIONING"),
    conditioning_2: link("CONDITIONING"),
  },
  outputs: ["CONDITIONING"],
  run(inputs) {
    const all = [
      ...inputs.link("conditioning_1", "CONDITIONING"),
      ...inputs.link("conditioning_2", "CONDITIONING"),
    ];
    checkPrompts({ parts: all.length, tokens: tokensOf(all) });
    return [output("CONDITIONING", all)];
  },
};
