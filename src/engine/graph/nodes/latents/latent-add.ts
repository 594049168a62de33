/** LatentAdd: adds two latents. */
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { combined } from "../../run/latents.ts";
import { output } from "../../run/node-runner.ts";

export const LatentAdd: NodeClass = {
  name: "LatentAdd",
  category: "latent",
  inputs: {
    samples1: link("LATENT"),
    samples2: link("LATENT"),
  },
  outputs: ["LATENT"],
  run(inputs) {
    const [a, b] = [inputs.link("samples1", "LATENT"), inputs.link("samples2", "LATENT")];
    return [
      output(
        "LATENT",
        combined(a, b, "bilinear", (x, y) => x + y),
      ),
    ];
  },
};
