/** VAEEncodeForInpaint: encodes pictures whose masked part is to be painted anew. */
import { int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";
import { croppedToMultiples } from "../../run/pixels.ts";
import { resize } from "../../run/resize.ts";
import type { Images, Mask } from "../../run/values.ts";

export const VAEEncodeForInpaint: NodeClass = {
  name: "VAEEncodeForInpaint",
  category: "latent",
  inputs: {
    pixels: link("IMAGE"),
    vae: link("VAE"),
    mask: link("MASK"),
    grow_mask_by: int({ default: 6, min: 0, max: 64, step: 1 }),
  },
  outputs: ["LATENT"],
  /** Greys out what the mask covers, and lets the sampler work there and a little beyond. */
  async run(inputs) {
    const images = inputs.link("pixels", "IMAGE");
    const mask = roundedTo(inputs.link("mask", "MASK"), images);
    const latent = await inputs.link("vae", "VAE").encode(greyed(croppedToMultiples(images), mask));
    return [output("LATENT", { ...latent, noiseMask: grown(mask, inputs.number("grow_mask_by")) })];
  },
};

/** The mask at the size of pictures, each value 0 or 1, cut as the pictures are for the VAE. */
function roundedTo(mask: Mask, { width, height }: Images): Mask {
  const { values } = resize(
    { values: mask.values, shape: [mask.batch, 1, mask.height, mask.width] },
    { width, height },
    "bilinear",
  );
  // Halves round to even, to 0; beyond 0 to 1 nothing comes here.
  const data = values.map((value) => (value > 0.5 ? 1 : 0));
  const cropped = croppedToMultiples({ data, batch: mask.batch, height, width, channels: 1 });
  return { values: cropped.data, batch: mask.batch, height: cropped.height, width: cropped.width };
}

function greyed(images: Images, mask: Mask): Images {
  const { channels } = images;
  const data = images.data.map((value, at) => {
    const masked = mask.values[Math.floor(at / channels) % mask.values.length] as number;
    return Math.fround(Math.fround(value - 0.5) * (1 - masked)) + 0.5;
  });
  return { ...images, data };
}

/** 1 wherever a square of `by` pixels a side around a place meets the mask; for even sides it reaches further up and left. */
function grown(mask: Mask, by: number): Mask {
  if (by === 0) return mask;
  const { batch, height, width } = mask;
  const before = Math.ceil((by - 1) / 2);
  const values = new Float32Array(mask.values.length);
  for (let picture = 0; picture < batch; picture++) {
    const start = picture * height * width;
    for (let at = 0; at < height * width; at++) {
      if (mask.values[start + at] === 0) continue;
      const [y, x] = [Math.floor(at / width), at % width];
      // The window of a place begins `before` places ahead of it.
      const [top, bottom] = [Math.max(0, y + before - by + 1), Math.min(height - 1, y + before)];
      const [left, right] = [Math.max(0, x + before - by + 1), Math.min(width - 1, x + before)];
      for (let row = top; row <= bottom; row++) {
        values.fill(1, start + row * width + left, start + row * width + right + 1);
      }
    }
  }
  return { ...mask, values };
}
