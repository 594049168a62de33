/** UNETLoader: loads the denoiser of a model folder. */
import { choice, file } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const UNETLoader: NodeClass = {
  name: "UNETLoader",
  category: "models/load",
  inputs: {
    unet_name: file("diffusion_model"),
    weight_dtype: choice(["default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2"]),
  },
  outputs: ["MODEL"],
  async run(inputs, { models }) {
    return [output("MODEL", await models.model("diffusion_model", inputs.text("unet_name")))];
  },
};
