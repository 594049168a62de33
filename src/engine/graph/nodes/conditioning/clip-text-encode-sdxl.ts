/** CLIPTextEncodeSDXL: encodes a text for each of SDXL's encoders, with the picture sizes that SDXL is conditioned on. */

import { WorkerError } from "../../../../errors.ts";
import type { PictureSizes } from "../../../diffusion/row-groups.ts";
import { int, link, text } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const CLIPTextEncodeSDXL: NodeClass = {
  name: "CLIPTextEncodeSDXL",
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
  async run(inputs) {
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
};
