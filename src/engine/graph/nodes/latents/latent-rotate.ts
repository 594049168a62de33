/** LatentRotate: turns a latent by quarters. */
import { ROTATIONS } from "../../choices.ts";
import { choice, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { planesOf, withPlanes } from "../../run/latents.ts";
import { output } from "../../run/node-runner.ts";
import { remapped } from "../../run/planes.ts";

export const LatentRotate: NodeClass = {
  name: "LatentRotate",
  category: "latent",
  inputs: {
    samples: link("LATENT"),
    rotation: choice(ROTATIONS),
  },
  outputs: ["LATENT"],
  /** Clockwise. */
  run(inputs) {
    const latent = inputs.link("samples", "LATENT");
    const quarters = Number.parseInt(inputs.text("rotation"), 10) / 90;
    let planes = planesOf(latent);
    for (let turned = 0; turned < quarters; turned++) {
      const [, , height, width] = planes.shape;
      planes = remapped(planes, { width: height, height: width }, (y, x) => [height - 1 - x, y]);
    }
    return [output("LATENT", withPlanes(latent, planes))];
  },
};
