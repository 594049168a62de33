/** VAELoader: loads the VAE of a model folder. */
import { file } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const VAELoader: NodeClass = {
  name: "VAELoader",
  category: "models/load",
  inputs: {
    vae_name: file("vae"),
  },
  outputs: ["VAE"],
  async run(inputs, { models }) {
    return [output("VAE", await models.vae("vae", inputs.text("vae_name")))];
  },
};
