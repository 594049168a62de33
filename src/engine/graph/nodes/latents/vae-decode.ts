/** VAEDecode: decodes a latent into pictures. */
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const VAEDecode: NodeClass = {
  name: "VAEDecode",
  category: "latent",
  inputs: {
    samples: link("LATENT"),
    vae: link("VAE"),
  },
  outputs: ["IMAGE"],
  async run(inputs) {
    const vae = inputs.link("vae", "VAE");
    return [output("IMAGE", await vae.decode(inputs.link("samples", "LATENT")))];
  },
};
