/** Classifier-free guidance (Ho and Salimans 2022): away from a negative prompt, towards the positive one. */
import { combine } from "./combine.ts";

/**
 * negative + (positive − negative)·scale, in a new array. Works on clean latents and on outputs of a network alike, since
 * every kind of prediction is linear in the clean latent.
 */
export function guide(positive: Float32Array, negative: Float32Array, scale: number): Float32Array {
  return combine(new Float32Array(positive.length), [scale, positive], [1 - scale, negative]);
}

/**
 * Brings the deviation of a guided prediction back to that of the positive one, which strong guidance raises (Lin et al.
 * 2024). In place.
 *
 * @param share how much of the way, 0 to 1
 */
export function restoreDeviation(
  guided: Float32Array,
  positive: Float32Array,
  share: number,
): Float32Array {
  if (share === 0) return guided;
  const ratio = deviation(positive) / deviation(guided);
  return combine(guided, [share * ratio + 1 - share, guided]);
}

/** Of a sample, as torch's `std`. */
function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value / values.length, 0);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}
