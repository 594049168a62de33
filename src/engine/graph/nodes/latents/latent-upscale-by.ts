/** LatentUpscaleBy: resizes a latent by a factor. */
import { roundHalfToEven } from "../../../diffusion/schedule/python-numbers.ts";
import { LATENT_UPSCALE_METHODS } from "../../choices.ts";
import { choice, float, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { checkedShape, planesOf, withPlanes } from "../../run/latents.ts";
import { output } from "../../run/node-runner.ts";
import { type ResizeMethod, resize } from "../../run/resize.ts";

export const LatentUpscaleBy: NodeClass = {
  name: "LatentUpscaleBy",
  category: "latent",
  inputs: {
    samples: link("LATENT"),
    upscale_method: choice(LATENT_UPSCALE_METHODS),
    scale_by: float({ default: 1.5, min: 0.01, max: 8, step: 0.01 }),
  },
  outputs: ["LATENT"],
  run(inputs) {
    const latent = inputs.link("samples", "LATENT");
    const factor = inputs.number("scale_by");
    const [batch, channels, oldHeight, oldWidth] = latent.shape;
    const [height, width] = [oldHeight, oldWidth].map((side) => {
      return Math.max(1, roundHalfToEven(side * factor));
    });
    const size = { width: width ?? 1, height: height ?? 1 };
    checkedShape([batch, channels, size.height, size.width]);
    return [
      output(
        "LATENT",
        withPlanes(
          latent,
          resize(planesOf(latent), size, inputs.text("upscale_method") as ResizeMethod),
        ),
      ),
    ];
  },
};
