/** FeatureBankAttentionProcessor: passes a model on. */
import { float, int, link, toggle } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const FeatureBankAttentionProcessor: NodeClass = {
  name: "FeatureBankAttentionProcessor",
  category: "sampling/model",
  inputs: {
    model: link("MODEL"),
    use_feature_injection: toggle(true),
    feature_injection_strength: float({ default: 0.8, min: 0, max: 1, step: 0.01 }),
    feature_similarity_threshold: float({ default: 0.98, min: 0, max: 1, step: 0.01 }),
    feature_cache_interval: int({ default: 4, min: 1, max: 64 }),
    feature_bank_max_frames: int({ default: 4, min: 1, max: 16 }),
  },
  outputs: ["MODEL"],
  note: "Passes its model through: features are not carried from frame to frame.",
  run: (inputs) => [output("MODEL", inputs.link("model", "MODEL"))],
};
