/** LoadLatent: loads a latent. */
import { file } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { checkedShape } from "../../run/latents.ts";
import { output } from "../../run/node-runner.ts";

export const LoadLatent: NodeClass = {
  name: "LoadLatent",
  category: "files",
  inputs: {
    latent: file("latent"),
  },
  outputs: ["LATENT"],
  async run(inputs, { loadLatent }) {
    const latent = await loadLatent(inputs.text("latent"));
    checkedShape(latent.shape);
    return [output("LATENT", latent)];
  },
};
