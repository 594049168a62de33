/** CLIPLoader: loads the text encoder of a model folder. */
import { choice, file } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const CLIPLoader: NodeClass = {
  name: "CLIPLoader",
  category: "models/load",
  inputs: {
    clip_name: file("text_encoder"),
    type: choice([
      "stable_diffusion",
      "stable_cascade",
      "sd3",
      "stable_audio",
      "mochi",
      "ltxv",
      "pixart",
      "cosmos",
      "lumina2",
      "wan",
      "hidream",
      "chroma",
      "ace",
      "omnigen2",
      "qwen_image",
      "hunyuan_image",
    ]),
  },
  optional: {
    device: choice(["default", "cpu"]),
  },
  outputs: ["CLIP"],
  async run(inputs, { models }) {
    return [output("CLIP", await models.clip("text_encoder", inputs.text("clip_name")))];
  },
};
