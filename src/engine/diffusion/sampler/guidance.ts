/** Classifier-free guidance (Ho and Salimans 2022): away from a negative prompt, towards the positive one. */
import { combine } from "./combine.ts";
import type { Denoise, DenoisePair } from "./sampler.ts";

/**
 * negative + (positive − negative)·scale, in a new array: for clean latents as well as for what a network puts out, of
 * which all predictions are linear functions.
 */
export function guide(positive: Float32Array, negative: Float32Array, scale: number): Float32Array {
  return combine(new Float32Array(positive.length), [scale, positive], [1 - scale, negative]);
}

/** A denoiser guided by two. At scale 1 the negative one has no effect and is not evaluated, as in ComfyUI. */
export function guidedDenoise(positive: Denoise, negative: Denoise, scale: number): Denoise {
  if (scale === 1) return positive;
  return async (x, sigma) => guide(await positive(x, sigma), await negative(x, sigma), scale);
}

/** Both predictions for samplers that treat guidance in a way of their own; the negative one is always evaluated. */
export function guidedPair(positive: Denoise, negative: Denoise, scale: number): DenoisePair {
  return async (x, sigma) => {
    const toward = await positive(x, sigma);
    const away = await negative(x, sigma);
    return { guided: guide(toward, away, scale), negative: away };
  };
}
