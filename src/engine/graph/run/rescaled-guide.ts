/** Guidance whose result keeps the deviation of the positive prediction (Lin et al. 2024), as ComfyUI's RescaleCFG. */
import { combine } from "../../diffusion/sampler/combine.ts";
import { restoreDeviation } from "../../diffusion/sampler/guidance.ts";
import type { NoisyLatent } from "./prompted-model.ts";

/** The clean latent; `share`: how much of the rescaled one is taken, 0 to 1. Works on what the velocities would be. */
export function rescaledGuide(
  { x, sigma, shape }: NoisyLatent,
  [positive, negative]: readonly [Float32Array, Float32Array],
  { cfg, share }: { readonly cfg: number; readonly share: number },
): Float32Array {
  const total = sigma * sigma + 1;
  const root = Math.sqrt(total);
  // v = (x/(σ² + 1) − denoised)·√(σ² + 1)/σ
  const velocity = (clean: Float32Array): Float32Array =>
    combine(new Float32Array(x.length), [root / (total * sigma), x], [-root / sigma, clean]);
  const wanted = velocity(positive);
  const guided = combine(new Float32Array(x.length), [cfg, wanted], [1 - cfg, velocity(negative)]);
  const size = x.length / shape[0];
  for (let start = 0; start < x.length; start += size) {
    const picture = guided.subarray(start, start + size);
    restoreDeviation(picture, wanted.subarray(start, start + size), share);
  }
  return combine(guided, [1 / total, x], [-sigma / root, guided]);
}
