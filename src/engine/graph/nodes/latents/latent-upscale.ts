/** LatentUpscale: resizes a latent to the size of a picture. */
import { LATENT_PLACE } from "../../../diffusion/sampler/latent.ts";
import { roundHalfToEven } from "../../../diffusion/schedule/python-numbers.ts";
import { CROPS, LATENT_UPSCALE_METHODS } from "../../choices.ts";
import { choice, int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { checkedShape, planesOf, withPlanes } from "../../run/latents.ts";
import { output } from "../../run/node-runner.ts";
import { type ResizeMethod, resizeCropped } from "../../run/resize.ts";

const MIN_SIDE = 64;

export const LatentUpscale: NodeClass = {
  name: "LatentUpscale",
  category: "latent",
  inputs: {
    samples: link("LATENT"),
    upscale_method: choice(LATENT_UPSCALE_METHODS),
    width: int({ default: 512, min: 0, max: 16384, step: 8 }),
    height: int({ default: 512, min: 0, max: 16384, step: 8 }),
    crop: choice(CROPS),
  },
  outputs: ["LATENT"],
  run(inputs) {
    const latent = inputs.link("samples", "LATENT");
    const [batch, channels, oldHeight, oldWidth] = latent.shape;
    const [width, height] = [inputs.number("width"), inputs.number("height")];
    if (width === 0 && height === 0) return [output("LATENT", latent)];
    const sides = [
      width === 0 ? roundHalfToEven((oldWidth * height) / oldHeight) : width,
      height === 0 ? roundHalfToEven((oldHeight * width) / oldWidth) : height,
    ].map((side) => Math.floor(Math.max(MIN_SIDE, side) / LATENT_PLACE));
    const size = { width: sides[0] ?? 0, height: sides[1] ?? 0 };
    checkedShape([batch, channels, size.height, size.width]);
    const resized = resizeCropped(
      planesOf(latent),
      size,
      inputs.text("upscale_method") as ResizeMethod,
      inputs.text("crop"),
    );
    return [output("LATENT", withPlanes(latent, resized))];
  },
};
