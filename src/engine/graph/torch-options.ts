/** Inputs of other packs' classes that choose how torch compiles and on which device it runs. They have no effect here. */
import { choice, toggle } from "./input-declaration.ts";

export const TORCH_COMPILE = {
  backend: choice(["inductor", "cudagraphs"]),
  fullgraph: toggle(false),
  mode: choice(
    ["default", "max-autotune", "max-autotune-no-cudagraphs", "reduce-overhead"],
    "default",
  ),
};
export const TORCH_DEVICE = choice(["cuda", "cpu"], "cuda");
export const BUILT_ALREADY =
  "Passes its model through: models are built for their device when they load.";
