/** LatentFlip: mirrors a latent. */
import { FLIPS } from "../../choices.ts";
import { choice, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { planesOf, withPlanes } from "../../run/latents.ts";
import { output } from "../../run/node-runner.ts";
import { remapped } from "../../run/planes.ts";

export const LatentFlip: NodeClass = {
  name: "LatentFlip",
  category: "latent",
  inputs: {
    samples: link("LATENT"),
    flip_method: choice(FLIPS),
  },
  outputs: ["LATENT"],
  run(inputs) {
    const latent = inputs.link("samples", "LATENT");
    const [, , height, width] = latent.shape;
    const isVertical = inputs.text("flip_method").startsWith("x");
    const flipped = remapped(planesOf(latent), { width, height }, (y, x) =>
      isVertical ? [height - 1 - y, x] : [y, width - 1 - x],
    );
    return [output("LATENT", withPlanes(latent, flipped))];
  },
};
