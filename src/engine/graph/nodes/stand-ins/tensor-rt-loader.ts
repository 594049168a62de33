/** TensorRTLoader: loads the denoiser of a model folder. */
import { file, text } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const TensorRTLoader: NodeClass = {
  name: "TensorRTLoader",
  category: "models/load",
  inputs: { unet_name: file("diffusion_model"), model_type: text("SD15") },
  outputs: ["MODEL"],
  note: "Loads the model folder of that name; model_type is ignored, since the folder says what the model is.",
  async run(inputs, { models }) {
    return [output("MODEL", await models.model("diffusion_model", inputs.text("unet_name")))];
  },
};
