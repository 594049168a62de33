/** LatentComposite: lays one latent over another, with soft edges. */
import { LATENT_PLACE } from "../../../diffusion/sampler/latent.ts";
import { int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { planesOf, repeatedTo, withPlanes } from "../../run/latents.ts";
import { output } from "../../run/node-runner.ts";
import { pasted } from "../../run/planes.ts";

export const LatentComposite: NodeClass = {
  name: "LatentComposite",
  category: "latent",
  inputs: {
    samples_to: link("LATENT"),
    samples_from: link("LATENT"),
    x: int({ default: 0, min: 0, max: 16384, step: 8 }),
    y: int({ default: 0, min: 0, max: 16384, step: 8 }),
    feather: int({ default: 0, min: 0, max: 16384, step: 8 }),
  },
  outputs: ["LATENT"],
  run(inputs) {
    const to = inputs.link("samples_to", "LATENT");
    const from = planesOf(inputs.link("samples_from", "LATENT"));
    const places = (name: string): number => Math.floor(inputs.number(name) / LATENT_PLACE);
    const [x, y, feather] = [places("x"), places("y"), places("feather")];
    const [, , height, width] = to.shape;
    const size = {
      width: Math.min(from.shape[3], width - x),
      height: Math.min(from.shape[2], height - y),
    };
    const weight = feathered({ ...size, x, y }, { width, height }, feather);
    const under = planesOf(to);
    return [
      output(
        "LATENT",
        withPlanes(to, pasted(under, repeatedTo(from, to.shape[0]), { x, y }, weight)),
      ),
    ];
  },
};

/** Weights that rise over `feather` places from each edge of a rectangle that is not an edge of the latent. */
function feathered(
  area: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
  whole: { readonly width: number; readonly height: number },
  feather: number,
): (picture: number, y: number, x: number) => number {
  const rise = (place: number): number => (place < feather ? (place + 1) / feather : 1);
  // As in ComfyUI, where the rise is longer than the rectangle it begins again from the far end.
  const fall = (place: number, length: number): number => {
    const again = place < length - 1 ? rise(2 * length - 1 - place) : 1;
    return rise(length - 1 - place) * again;
  };
  return (_, y, x) => {
    let weight = 1;
    if (area.y > 0) weight *= rise(y);
    if (area.y + area.height < whole.height) weight *= fall(y, area.height);
    if (area.x > 0) weight *= rise(x);
    if (area.x + area.width < whole.width) weight *= fall(x, area.width);
    return weight;
  };
}
