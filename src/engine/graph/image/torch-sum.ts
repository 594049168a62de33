/** Adds float32 numbers in the order of torch's `sum` on a CPU: results differ in the last bit with the order. */

const f = Math.fround;

/** Numbers in one vector register (AVX2). */
const LANES = 8;
/** Vectors that are added side by side. */
const ROWS = 4;
/** Partial sums are added to those of the next level every so often, so that errors stay small. */
const LEVELS = 4;

/** `torch.tensor(values).sum()` of float32 numbers in one row. */
export function torchSum(values: readonly number[]): number {
  const vectors = Math.floor(values.length / LANES);
  const strides = Math.floor(vectors / ROWS);
  const sums = cascade(values, strides);
  for (let vector = strides * ROWS; vector < vectors; vector++) {
    for (let lane = 0; lane < LANES; lane++) add(sums, lane, values[vector * LANES + lane]);
  }
  for (let at = LANES; at < ROWS * LANES; at++) add(sums, at % LANES, sums[at]);
  let total = 0;
  for (const value of values.slice(vectors * LANES)) total = f(total + value);
  for (const value of sums.slice(0, LANES)) total = f(total + value);
  return total;
}

/** Sums of every 32nd number. */
function cascade(values: readonly number[], strides: number): number[] {
  const power = Math.max(4, Math.ceil(Math.ceil(Math.log2(Math.max(1, strides))) / LEVELS));
  const step = 2 ** power;
  const width = ROWS * LANES;
  const levels = Array.from({ length: LEVELS }, () => new Array<number>(width).fill(0));
  const [lowest] = levels as [number[]];
  for (let stride = 0; stride < strides; ) {
    const end = Math.min(strides, stride + step);
    const isWhole = end - stride === step;
    for (; stride < end; stride++) {
      for (let at = 0; at < width; at++) add(lowest, at, values[stride * width + at]);
    }
    if (isWhole) carry(levels, stride, power);
  }
  for (const level of levels.slice(1)) {
    for (let at = 0; at < width; at++) add(lowest, at, level[at]);
  }
  return lowest;
}

/** Moves each full level up into the next one. */
function carry(levels: readonly number[][], stride: number, power: number): void {
  for (let level = 1; level < LEVELS; level++) {
    const [from, to] = [levels[level - 1] as number[], levels[level] as number[]];
    for (const [at, sum] of from.entries()) add(to, at, sum);
    from.fill(0);
    if ((stride & ((2 ** power - 1) << (level * power))) !== 0) return;
  }
}

function add(sums: number[], at: number, value: number | undefined): void {
  sums[at] = f((sums[at] as number) + (value as number));
}
