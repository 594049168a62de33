/** LatentCrop: cuts a rectangle out of a latent. */
import { LATENT_PLACE } from "../../../diffusion/sampler/latent.ts";
import { int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { planesOf, withPlanes } from "../../run/latents.ts";
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
    const places = (name: string): number => Math.floor(inputs.number(name) / LATENT_PLACE);
    const across = spanOf(places("x"), places("width"), width);
    const down = spanOf(places("y"), places("height"), height);
    const area = { x: across.start, width: across.length, y: down.start, height: down.length };
    return [output("LATENT", withPlanes(latent, cut(planesOf(latent), area)))];
  },
};

/** Starts eight places before the end at the latest. In less than eight, as in ComfyUI, that counts from the end again. */
function spanOf(wanted: number, length: number, size: number) {
  const from = Math.min(wanted, size - LATENT_PLACE);
  const start = from < 0 ? Math.max(0, size + from) : from;
  return { start, length: Math.min(size, from + length) - start };
}
