/** Rounds and spaces numbers as Python, numpy and torch do, where JavaScript does it differently. */

/** Rounds to a whole number; of two that are equally near, takes the even one (Python's `round`, numpy's `rint`). */
export function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** `count` equally spaced values from start to end, both included; start alone for a count of 1. */
export function linspace(start: number, end: number, count: number): Float64Array {
  const values = new Float64Array(count);
  const step = count > 1 ? (end - start) / (count - 1) : 0;
  for (let i = 0; i < count; i++) values[i] = start + step * i;
  if (count > 1) values[count - 1] = end;
  return values;
}
