/** DualCLIPLoader: loads both text encoders of an SDXL folder. */
import { WorkerError } from "../../../../errors.ts";
import { choice, file } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const DualCLIPLoader: NodeClass = {
  name: "DualCLIPLoader",
  category: "models/load",
  inputs: {
    clip_name1: file("text_encoder"),
    clip_name2: file("text_encoder"),
    type: choice(["sdxl", "sd3", "flux", "hunyuan_video", "hidream", "hunyuan_image"]),
  },
  optional: {
    device: choice(["default", "cpu"]),
  },
  outputs: ["CLIP"],
  /** Folders hold both encoders of SDXL, so both names mean the same one. */
  async run(inputs, { models }) {
    const names = [inputs.text("clip_name1"), inputs.text("clip_name2")] as const;
    const [first, second] = [
      await models.clip("text_encoder", names[0]),
      await models.clip("text_encoder", names[1]),
    ];
    if (first.conditioner === second.conditioner && first.conditioner.hasTwoEncoders) {
      return [output("CLIP", first)];
    }
    const problem = `clip_name1 ${JSON.stringify(names[0])} and clip_name2 ${JSON.stringify(names[1])}`;
    throw new WorkerError(
      "invalid_request",
      `${problem} must name one model folder with text_encoder and text_encoder_2`,
    );
  },
};
