/** LatentCrop: cuts a rectangle out of a latent. */
import { int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { planesOf, SHRINKS_BY, withPlanes } from "../../run/latents.ts";
import { output } from "../../run/node-runner.ts";
import { cut } from "../../run/resize.ts";

export const LatentCrop: NodeClass = {
  name: "LatentCrop",
  category: "latent",
  inputs: {
    samples: link("LATENT"),
    width: int({ default: 512, min: 64, max: 16384, step: 8 }),
    height: int({ default: 512, min: 64, max: 16384, step: 8 }),
    x: int({ default: 0, min: 0, max: 16384, step: 8 }),
    y: int({ default: 0, min: 0, max: 16384, step: 8 }),
  },
  outputs: ["LATENT"],
  run(inputs) {
    const latent = inputs.link("samples", "LATENT");
    const [, , height, width] = latent.shape;
    const places = (name: string): number => Math.floor(inputs.number(name) / SHRINKS_BY);
    const x = Math.max(0, Math.min(places("x"), width - SHRINKS_BY));
    const y = Math.max(0, Math.min(places("y"), height - SHRINKS_BY));
    const area = {
      ...{ x, y },
      width: Math.min(places("width"), width - x),
      height: Math.min(places("height"), height - y),
    };
    return [output("LATENT", withPlanes(latent, cut(planesOf(latent), area)))];
  },
};
