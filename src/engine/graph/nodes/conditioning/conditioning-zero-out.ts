/** ConditioningZeroOut: replaces the embeddings of prompts by zeros. */
import { zeroed } from "../../../diffusion/text/conditioning.ts";
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { changedParts } from "../../run/changed-parts.ts";

export const ConditioningZeroOut: NodeClass = {
  name: "ConditioningZeroOut",
  category: "prompt",
  inputs: {
    conditioning: link("CONDITIONING"),
  },
  outputs: ["CONDITIONING"],
  run: (inputs) =>
    changedParts(inputs, "conditioning", (part) => ({
      ...part,
      conditioning: zeroed(part.conditioning),
    })),
};
