/** Declares the nodes that turn prompts into conditionings and combine these. */

import type { Declarations } from "../declarations.ts";
import { choice, float, int, link, text } from "../input-declaration.ts";

export const CONDITIONING_NODES: Declarations = {
  CLIPSetLastLayer: {
    category: "prompt",
    inputs: {
      clip: link("CLIP"),
      stop_at_clip_layer: int({ default: -1, min: -24, max: -1, step: 1 }),
    },
    outputs: ["CLIP"],
  },
  CLIPTextEncode: {
    category: "prompt",
    inputs: {
      text: text(),
      clip: link("CLIP"),
    },
    outputs: ["CONDITIONING"],
  },
  CLIPTextEncodeSDXL: {
    category: "prompt",
    inputs: {
      clip: link("CLIP"),
      width: int({ default: 1024, min: 0, max: 16384 }),
      height: int({ default: 1024, min: 0, max: 16384 }),
      crop_w: int({ default: 0, min: 0, max: 16384 }),
      crop_h: int({ default: 0, min: 0, max: 16384 }),
      target_width: int({ default: 1024, min: 0, max: 16384 }),
      target_height: int({ default: 1024, min: 0, max: 16384 }),
      text_g: text(),
      text_l: text(),
    },
    outputs: ["CONDITIONING"],
  },
  ConditioningAverage: {
    category: "prompt",
    inputs: {
      conditioning_to: link("CONDITIONING"),
      conditioning_from: link("CONDITIONING"),
      conditioning_to_strength: float({ default: 1, min: 0, max: 1, step: 0.01 }),
    },
    outputs: ["CONDITIONING"],
  },
  ConditioningCombine: {
    category: "prompt",
    inputs: {
      conditioning_1: link("CONDITIONING"),
      conditioning_2: link("CONDITIONING"),
    },
    outputs: ["CONDITIONING"],
  },
  ConditioningConcat: {
    category: "prompt",
    inputs: {
      conditioning_to: link("CONDITIONING"),
      conditioning_from: link("CONDITIONING"),
    },
    outputs: ["CONDITIONING"],
  },
  ConditioningSetArea: {
    category: "prompt",
    inputs: {
      conditioning: link("CONDITIONING"),
      width: int({ default: 64, min: 64, max: 16384, step: 8 }),
      height: int({ default: 64, min: 64, max: 16384, step: 8 }),
      x: int({ default: 0, min: 0, max: 16384, step: 8 }),
      y: int({ default: 0, min: 0, max: 16384, step: 8 }),
      strength: float({ default: 1, min: 0, max: 10, step: 0.01 }),
    },
    outputs: ["CONDITIONING"],
  },
  ConditioningSetMask: {
    category: "prompt",
    inputs: {
      conditioning: link("CONDITIONING"),
      mask: link("MASK"),
      strength: float({ default: 1, min: 0, max: 10, step: 0.01 }),
      set_cond_area: choice(["default", "mask bounds"]),
    },
    outputs: ["CONDITIONING"],
  },
  ConditioningSetTimestepRange: {
    category: "prompt",
    inputs: {
      conditioning: link("CONDITIONING"),
      start: float({ default: 0, min: 0, max: 1, step: 0.001 }),
      end: float({ default: 1, min: 0, max: 1, step: 0.001 }),
    },
    outputs: ["CONDITIONING"],
  },
  ConditioningZeroOut: {
    category: "prompt",
    inputs: {
      conditioning: link("CONDITIONING"),
    },
    outputs: ["CONDITIONING"],
  },
  ControlNetApply: {
    category: "prompt",
    inputs: {
      conditioning: link("CONDITIONING"),
      control_net: link("CONTROL_NET"),
      image: link("IMAGE"),
      strength: float({ default: 1, min: 0, max: 10, step: 0.01 }),
    },
    outputs: ["CONDITIONING"],
  },
  ControlNetApplyAdvanced: {
    category: "prompt",
    inputs: {
      positive: link("CONDITIONING"),
      negative: link("CONDITIONING"),
      control_net: link("CONTROL_NET"),
      image: link("IMAGE"),
      strength: float({ default: 1, min: 0, max: 10, step: 0.01 }),
      start_percent: float({ default: 0, min: 0, max: 1, step: 0.001 }),
      end_percent: float({ default: 1, min: 0, max: 1, step: 0.001 }),
    },
    optional: {
      vae: link("VAE"),
    },
    outputs: ["CONDITIONING", "CONDITIONING"],
    outputNames: ["positive", "negative"],
  },
};
