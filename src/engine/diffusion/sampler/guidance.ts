/** Classifier-free guidance (Ho and Salimans 2022): away from a negative prompt, towards the positive one. */
import { combine } from "./combine.ts";

/**
 * negative + (positive − negative)·scale, in a new array. Works on clean latents and on outputs of a network alike, since
 * every kind of prediction is linear in the clean latent.
 */
export function guide(positive: Float32Array, negative: Float32Array, scale: number): Float32Array {
  return combine(new Float32Array(positive.length), [scale, positive], [1 - scale, negative]);
}
