/** Noise that changes gradually: from the noise of one seed to that of the next. */
import { seededNoise } from "../../random/seeded-noise.ts";
import { combine } from "../sampler/combine.ts";

/**
 * Unit normal noise at a `place` of 0 or more: at whole numbers that of `seed + place`, in between a blend along the arc
 * between two. Independent normals are at a right angle, so that the blend with sine and cosine is unit normal everywhere.
 * Not to be changed: other runs may get the same array.
 *
 * @param count how many numbers
 */
export function wanderingNoise(seed: bigint, place: number, count: number): Float32Array {
  const whole = Math.floor(place);
  const angle = ((place - whole) * Math.PI) / 2;
  const from = seededNoise(seed + BigInt(whole), count);
  if (angle === 0) return from;
  const to = seededNoise(seed + BigInt(whole) + 1n, count);
  return combine(new Float32Array(count), [Math.cos(angle), from], [Math.sin(angle), to]);
}
