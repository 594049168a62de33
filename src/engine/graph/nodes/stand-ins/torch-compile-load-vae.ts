/** TorchCompileLoadVAE: passes a VAE on. */
import { link, toggle } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";
import { BUILT_ALREADY, TORCH_COMPILE } from "../../torch-options.ts";

export const TorchCompileLoadVAE: NodeClass = {
  name: "TorchCompileLoadVAE",
  category: "models/load",
  inputs: {
    vae: link("VAE"),
    ...TORCH_COMPILE,
    compile_encoder: toggle(true),
    compile_decoder: toggle(true),
  },
  outputs: ["VAE"],
  note: BUILT_ALREADY,
  run: (inputs) => [output("VAE", inputs.link("vae", "VAE"))],
};
