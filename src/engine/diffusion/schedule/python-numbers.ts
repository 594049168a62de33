/** Rounds and spaces numbers as Python and torch do. */

/** Rounds to a whole number; of two that are equally near, takes the even one (Python's `round`, numpy's `rint`). */
export function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

const f = Math.fround;

/**
 * `count` equally spaced values from start to end, both included; start alone for a count of 1. Equal to torch's
 * `linspace` in single precision, which steps from the nearer end with fused multiply-adds.
 */
export function linspace(start: number, end: number, count: number): Float32Array {
  const values = new Float32Array(count);
  if (count === 1) values[0] = start;
  if (count < 2) return values;
  const step = f(f(f(end) - f(start)) / (count - 1));
  const half = count >> 1;
  for (let i = 0; i < count; i++) {
    values[i] = i < half ? f(start) + step * i : f(end) - step * (count - 1 - i);
  }
  return values;
}
