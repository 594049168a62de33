/** CLIPSetLastLayer: takes the features of an earlier layer of a text encoder. */
import { int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const CLIPSetLastLayer: NodeClass = {
  name: "CLIPSetLastLayer",
  category: "prompt",
  inputs: {
    clip: link("CLIP"),
    stop_at_clip_layer: int({ default: -1, min: -24, max: -1, step: 1 }),
  },
  outputs: ["CLIP"],
  run(inputs) {
    const { conditioner } = inputs.link("clip", "CLIP");
    return [output("CLIP", { conditioner, stopAt: inputs.number("stop_at_clip_layer") })];
  },
};
