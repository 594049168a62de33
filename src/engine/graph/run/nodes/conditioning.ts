/** Runs the nodes that encode prompts and say where and when they count. */
import { WorkerError } from "../../../../errors.ts";
import { averaged, concatTokens, zeroed } from "../../../diffusion/text/conditioning.ts";
import type { NodeInputs } from "../node-inputs.ts";
import { type NodeRunners, output } from "../node-runner.ts";
import type { ConditioningPart, NodeValue, PictureSizes } from "../values.ts";

/** Pixels a side that one place of a latent stands for. */
const SHRINKS_BY = 8;

export const CONDITIONINGS: NodeRunners = {
  CLIPSetLastLayer: (inputs) => {
    const { conditioner } = inputs.link("clip", "CLIP");
    return [output("CLIP", { conditioner, stopAt: inputs.number("stop_at_clip_layer") })];
  },

  async CLIPTextEncode(inputs) {
    const { conditioner, stopAt } = inputs.link("clip", "CLIP");
    const conditioning = await conditioner.encode(inputs.text("text"), stopAt);
    return [output("CONDITIONING", [{ conditioning, strength: 1, range: null }])];
  },

  async CLIPTextEncodeSDXL(inputs) {
    const { conditioner, stopAt } = inputs.link("clip", "CLIP");
    if (!conditioner.hasTwoEncoders) {
      const problem = "clip must be one of SDXL, with two text encoders";
      throw new WorkerError("invalid_request", `${problem}: use CLIPTextEncode for others`);
    }
    const [textL, textG] = [inputs.text("text_l"), inputs.text("text_g")];
    const conditioning = await conditioner.encodeBoth(textL, textG, stopAt);
    const sizes: PictureSizes = [
      ...([inputs.number("height"), inputs.number("width")] as const),
      ...([inputs.number("crop_h"), inputs.number("crop_w")] as const),
      ...([inputs.number("target_height"), inputs.number("target_width")] as const),
    ];
    return [output("CONDITIONING", [{ conditioning, strength: 1, range: null, sizes }])];
  },

  ConditioningCombine: (inputs) => [
    output("CONDITIONING", [
      ...inputs.link("conditioning_1", "CONDITIONING"),
      ...inputs.link("conditioning_2", "CONDITIONING"),
    ]),
  ],

  /** Both keep where and when the first one's parts count, and take the first part of the other. */
  ConditioningConcat: (inputs) => {
    const [from] = inputs.link("conditioning_from", "CONDITIONING");
    return changed(inputs, "conditioning_to", (part) =>
      from === undefined
        ? part
        : { ...part, conditioning: concatTokens(part.conditioning, from.conditioning) },
    );
  },

  ConditioningAverage: (inputs) => {
    const [from] = inputs.link("conditioning_from", "CONDITIONING");
    const strength = inputs.number("conditioning_to_strength");
    return changed(inputs, "conditioning_to", (part) =>
      from === undefined
        ? part
        : { ...part, conditioning: averaged(part.conditioning, from.conditioning, strength) },
    );
  },

  ConditioningZeroOut: (inputs) =>
    changed(inputs, "conditioning", (part) => ({
      ...part,
      conditioning: zeroed(part.conditioning),
    })),

  ConditioningSetTimestepRange: (inputs) => {
    const range = { start: inputs.number("start"), end: inputs.number("end") };
    return changed(inputs, "conditioning", (part) => ({ ...part, range }));
  },

  ConditioningSetArea: (inputs) => {
    const places = (name: string): number => Math.floor(inputs.number(name) / SHRINKS_BY);
    const area = {
      ...{ width: places("width"), height: places("height") },
      ...{ x: places("x"), y: places("y") },
    };
    const strength = inputs.number("strength");
    return changed(inputs, "conditioning", (part) => ({ ...part, area, strength }));
  },

  ConditioningSetMask: (inputs) => {
    const mask = {
      values: inputs.link("mask", "MASK"),
      strength: inputs.number("strength"),
      area: inputs.text("set_cond_area") === "default" ? ("full" as const) : ("bounds" as const),
    };
    return changed(inputs, "conditioning", (part) => ({ ...part, mask }));
  },
};

const changed = (
  inputs: NodeInputs,
  name: string,
  change: (part: ConditioningPart) => ConditioningPart,
): NodeValue[] => [output("CONDITIONING", inputs.link(name, "CONDITIONING").map(change))];
