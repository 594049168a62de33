/** VAEEncode: encodes pictures as a latent. */
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const VAEEncode: NodeClass = {
  name: "VAEEncode",
  category: "latent",
  inputs: {
    pixels: link("IMAGE"),
    vae: link("VAE"),
  },
  outputs: ["LATENT"],
  async run(inputs) {
    const vae = inputs.link("vae", "VAE");
    return [output("LATENT", await vae.encode(inputs.link("pixels", "IMAGE")))];
  },
};
