/** SaveLatent: outputs a latent, which is not kept. */
import { link, text } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const SaveLatent: NodeClass = {
  name: "SaveLatent",
  category: "files",
  inputs: {
    samples: link("LATENT"),
    filename_prefix: text("latents/ComfyUI"),
  },
  outputs: [],
  isOutput: true,
  note: "Its latent goes nowhere: a graph needs another output as well.",
  run(inputs, { emit }) {
    emit({ kind: "latent", latent: inputs.link("samples", "LATENT") });
    return [];
  },
};
