/** LatentCompositeMasked: lays one latent over another, where a mask says. */
import { LATENT_PLACE } from "../../../diffusion/sampler/latent.ts";
import { int, link, toggle } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { maskPlanes, planesOf, repeatedTo, withPlanes } from "../../run/latents.ts";
import { output } from "../../run/node-runner.ts";
import { pasted } from "../../run/planes.ts";
import { resize } from "../../run/resize.ts";
import type { Planes } from "../../run/taps.ts";

export const LatentCompositeMasked: NodeClass = {
  name: "LatentCompositeMasked",
  category: "latent",
  inputs: {
    destination: link("LATENT"),
    source: link("LATENT"),
    x: int({ default: 0, min: 0, max: 16384, step: 8 }),
    y: int({ default: 0, min: 0, max: 16384, step: 8 }),
    resize_source: toggle(false),
  },
  optional: {
    mask: link("MASK"),
  },
  outputs: ["LATENT"],
  run(inputs) {
    const to = inputs.link("destination", "LATENT");
    const [batch, , height, width] = to.shape;
    let from = planesOf(inputs.link("source", "LATENT"));
    if (inputs.flag("resize_source")) from = resize(from, { width, height }, "bilinear");
    const [, , fromHeight, fromWidth] = from.shape;
    const mask = inputs.optional("mask", "MASK");
    const size = { width: fromWidth, height: fromHeight };
    const weights: Planes | null =
      mask && repeatedTo(resize(maskPlanes(mask), size, "bilinear"), batch);
    const place = (name: string): number => Math.floor(inputs.number(name) / LATENT_PLACE);
    const result = pasted(
      planesOf(to),
      repeatedTo(from, batch),
      { x: Math.min(place("x"), width), y: Math.min(place("y"), height) },
      (picture, y, x) => weights?.values[(picture * fromHeight + y) * fromWidth + x] ?? 1,
    );
    return [output("LATENT", withPlanes(to, result))];
  },
};
