/** Runs the nodes that cut, turn, resize and lay latents over one another. */
import type { Latent } from "../../../diffusion/sampler/latent.ts";
import { roundHalfToEven } from "../../../diffusion/schedule/python-numbers.ts";
import { checkedShape, maskPlanes, planesOf, repeatedTo, withPlanes } from "../latents.ts";
import type { NodeInputs } from "../node-inputs.ts";
import { type NodeRunners, output } from "../node-runner.ts";
import { pasted, remapped } from "../planes.ts";
import { cut, type ResizeMethod, resize, resizeCropped } from "../resize.ts";
import type { Planes } from "../taps.ts";

/** Pixels a side that one place of a latent stands for; the smallest side that ComfyUI resizes to. */
const SHRINKS_BY = 8;
const MIN_SIDE = 64;

const latentOf = (inputs: NodeInputs): Latent => inputs.link("samples", "LATENT");

const methodOf = (inputs: NodeInputs): ResizeMethod =>
  inputs.text("upscale_method") as ResizeMethod; // one of the class's choices

export const LATENT_SHAPES: NodeRunners = {
  LatentUpscale: (inputs) => {
    const latent = latentOf(inputs);
    const [batch, channels, oldHeight, oldWidth] = latent.shape;
    const [width, height] = [inputs.number("width"), inputs.number("height")];
    if (width === 0 && height === 0) return [output("LATENT", latent)];
    const sides = [
      width === 0 ? roundHalfToEven((oldWidth * height) / oldHeight) : width,
      height === 0 ? roundHalfToEven((oldHeight * width) / oldWidth) : height,
    ].map((side) => Math.floor(Math.max(MIN_SIDE, side) / SHRINKS_BY));
    const size = { width: sides[0] ?? 0, height: sides[1] ?? 0 };
    checkedShape([batch, channels, size.height, size.width]);
    const resized = resizeCropped(planesOf(latent), size, methodOf(inputs), inputs.text("crop"));
    return [output("LATENT", withPlanes(latent, resized))];
  },

  LatentUpscaleBy: (inputs) => {
    const latent = latentOf(inputs);
    const factor = inputs.number("scale_by");
    const [batch, channels, oldHeight, oldWidth] = latent.shape;
    const [height, width] = [oldHeight, oldWidth].map((side) => {
      return Math.max(1, roundHalfToEven(side * factor));
    });
    const size = { width: width ?? 1, height: height ?? 1 };
    checkedShape([batch, channels, size.height, size.width]);
    return [output("LATENT", withPlanes(latent, resize(planesOf(latent), size, methodOf(inputs))))];
  },

  LatentCrop: (inputs) => {
    const latent = latentOf(inputs);
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

  LatentFlip: (inputs) => {
    const latent = latentOf(inputs);
    const [, , height, width] = latent.shape;
    const isVertical = inputs.text("flip_method").startsWith("x");
    const flipped = remapped(planesOf(latent), { width, height }, (y, x) =>
      isVertical ? [height - 1 - y, x] : [y, width - 1 - x],
    );
    return [output("LATENT", withPlanes(latent, flipped))];
  },

  /** Clockwise. */
  LatentRotate: (inputs) => {
    const latent = latentOf(inputs);
    const quarters = Number.parseInt(inputs.text("rotation"), 10) / 90;
    let planes = planesOf(latent);
    for (let turned = 0; turned < quarters; turned++) {
      const [, , height, width] = planes.shape;
      planes = remapped(planes, { width: height, height: width }, (y, x) => [height - 1 - x, y]);
    }
    return [output("LATENT", withPlanes(latent, planes))];
  },

  LatentComposite: (inputs) => {
    const to = inputs.link("samples_to", "LATENT");
    const from = planesOf(inputs.link("samples_from", "LATENT"));
    const places = (name: string): number => Math.floor(inputs.number(name) / SHRINKS_BY);
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

  LatentCompositeMasked: (inputs) => {
    const to = inputs.link("destination", "LATENT");
    const [batch, , height, width] = to.shape;
    let from = planesOf(inputs.link("source", "LATENT"));
    if (inputs.flag("resize_source")) from = resize(from, { width, height }, "bilinear");
    const [, , fromHeight, fromWidth] = from.shape;
    const mask = inputs.optional("mask", "MASK");
    const size = { width: fromWidth, height: fromHeight };
    const weights: Planes | null =
      mask && repeatedTo(resize(maskPlanes(mask), size, "bilinear"), batch);
    const place = (name: string): number => Math.floor(inputs.number(name) / SHRINKS_BY);
    const result = pasted(
      planesOf(to),
      repeatedTo(from, batch),
      { x: Math.min(place("x"), width), y: Math.min(place("y"), height) },
      (picture, y, x) => weights?.values[(picture * fromHeight + y) * fromWidth + x] ?? 1,
    );
    return [output("LATENT", withPlanes(to, result))];
  },
};

/** Weights that rise over `feather` places from each edge of a rectangle that is not an edge of the latent. */
function feathered(
  area: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
  whole: { readonly width: number; readonly height: number },
  feather: number,
): (picture: number, y: number, x: number) => number {
  const rise = (place: number): number => (place < feather ? (place + 1) / feather : 1);
  return (_, y, x) => {
    let weight = 1;
    if (area.y > 0) weight *= rise(y);
    if (area.y + area.height < whole.height) weight *= rise(area.height - 1 - y);
    if (area.x > 0) weight *= rise(x);
    if (area.x + area.width < whole.width) weight *= rise(area.width - 1 - x);
    return weight;
  };
}
