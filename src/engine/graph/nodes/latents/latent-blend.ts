/** LatentBlend: mixes two latents. */
import { float, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { combined, planesOf, repeatedTo, withPlanes } from "../../run/latents.ts";
import { output } from "../../run/node-runner.ts";

export const LatentBlend: NodeClass = {
  name: "LatentBlend",
  category: "latent",
  inputs: {
    samples1: link("LATENT"),
    samples2: link("LATENT"),
    blend_factor: float({ default: 0.5, min: 0, max: 1, step: 0.01 }),
  },
  outputs: ["LATENT"],
  /** A single first latent is blended with each of the others. */
  run(inputs) {
    const [a, b] = [inputs.link("samples1", "LATENT"), inputs.link("samples2", "LATENT")];
    const count = a.shape[0] === 1 ? b.shape[0] : a.shape[0];
    const first = withPlanes(a, repeatedTo(planesOf(a), count));
    const share = inputs.number("blend_factor");
    const blended = combined(first, b, "bicubic", (x, y) => x * share + y * (1 - share));
    return [output("LATENT", blended)];
  },
};
