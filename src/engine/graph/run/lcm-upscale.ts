/** The sampler lcm that resizes the latent while it samples, as ComfyUI's SamplerLCMUpscale makes it. */
import { combine } from "../../diffusion/sampler/combine.ts";
import type { LatentShape } from "../../diffusion/sampler/latent.ts";
import { intervals, type Sampler } from "../../diffusion/sampler/sampler.ts";
import { roundHalfToEven } from "../../diffusion/schedule/python-numbers.ts";
import { checkedShape } from "./latents.ts";
import { type ResizeMethod, resize } from "./resize.ts";

export interface Scaling {
  /** Of the last size to the first. */
  readonly ratio: number;
  /** How many steps change the size; negative: half of them. */
  readonly steps: number;
  readonly method: ResizeMethod;
}

/** As `lcm`, but the first steps resize their clean prediction before they add noise to it. Its noise is "continued". */
export const lcmUpscale =
  ({ ratio, steps, method }: Scaling): Sampler =>
  async (start, { denoise: first, sigmas, noise, latent, onStep }) => {
    if (latent === undefined) throw new Error("the run does not let its latent be resized");
    const count = steps < 0 ? Math.max(1, Math.floor(sigmas.length / 2)) : steps;
    const factors = factorsTo(ratio, Math.min(count, sigmas.length));
    let [x, shape, denoise] = [start, latent.shape, first];
    for (const { index, sigma, next } of intervals(sigmas)) {
      const denoised = await denoise(x, sigma);
      onStep?.({ index, sigma, x, denoised });
      const factor = factors[index];
      const wanted = factor === undefined ? shape : scaled(latent.shape, factor);
      if (!isEqual(wanted, shape)) {
        const [, , height, width] = checkedShape(wanted);
        x = resize({ values: denoised, shape }, { width, height }, method).values;
        denoise = latent.reshape(wanted);
        shape = wanted;
      } else {
        x = denoised.slice(); // the run keeps what was reported
      }
      if (next > 0) combine(x, [1, x], [next, noise(sigma, next)]);
    }
    return x;
  };

/** `count` factors in equal steps from 1, which is left out, to `ratio`. */
const factorsTo = (ratio: number, count: number): number[] =>
  Array.from({ length: count }, (_, at) =>
    at + 1 === count ? ratio : 1 + (at + 1) * ((ratio - 1) / count),
  );

function scaled([batch, channels, ...sides]: LatentShape, factor: number): LatentShape {
  const [height = 1, width = 1] = sides.map((side) => Math.max(1, roundHalfToEven(side * factor)));
  return [batch, channels, height, width];
}

const isEqual = (a: LatentShape, b: LatentShape): boolean => a.every((side, at) => side === b[at]);
