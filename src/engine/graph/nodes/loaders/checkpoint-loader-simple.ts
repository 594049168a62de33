/** CheckpointLoaderSimple: loads the denoiser, the text encoders and the VAE of a model folder. */
import { file } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const CheckpointLoaderSimple: NodeClass = {
  name: "CheckpointLoaderSimple",
  category: "models/load",
  inputs: {
    ckpt_name: file("checkpoint"),
  },
  outputs: ["MODEL", "CLIP", "VAE"],
  async run(inputs, { models }) {
    const name = inputs.text("ckpt_name");
    return [
      output("MODEL", await models.model("checkpoint", name)),
      output("CLIP", await models.clip("checkpoint", name)),
      output("VAE", await models.vae("checkpoint", name)),
    ];
  },
};
