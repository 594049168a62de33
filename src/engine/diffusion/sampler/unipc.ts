/** UniPC: a multistep predictor whose result the next denoiser call corrects (Zhao et al. 2023). */
import { combine } from "./combine.ts";
import type { Denoise, Sampler } from "./sampler.ts";

/** How B(h) is chosen: h itself, or exp(h) − 1 (section 3.4 of the paper). */
export type UniPcVariant = "bh1" | "bh2";

const ORDER = 3;
/** Stands for a final sigma of 0, which has no ln. */
const LAST_SIGMA = 0.001;

/** A sigma with what is predicted there. */
interface Node {
  readonly lambda: number;
  readonly denoised: Float32Array;
}

/**
 * "uni_pc" and "uni_pc_bh2", predicting the clean latent, in a variance-preserving space: α = 1/√(1 + σ²), its noise
 * has deviation σ·α, λ = ln(α/(σα)) = −ln σ. Steps report `x` in that space. The last step has no corrector, so that
 * there are as many denoiser calls as steps.
 */
export function uniPc(variant: UniPcVariant): Sampler {
  return async (x, { denoise, sigmas, onStep }) => {
    const levels = Float64Array.from(sigmas);
    const steps = levels.length - 1;
    if (steps < 1) return x;
    if (levels[steps] === 0) levels[steps] = LAST_SIGMA;
    const order = Math.min(ORDER, steps - 1);
    const predict = scaledDenoiser(denoise, x.length);
    const level = (i: number): number => levels[i] as number;

    combine(x, [alphaOf(level(0)), x]);
    let denoised = await predict(x, level(0));
    let nodes: Node[] = [{ lambda: -Math.log(level(0)), denoised }];
    onStep?.({ index: 0, sigma: level(0), x, denoised });
    for (let i = 1; i <= steps && order > 0; i++) {
      const isLast = i === steps;
      const solver = new Solver(x, nodes, level(i), {
        variant,
        order: i < order ? i : Math.min(order, steps + 1 - i),
      });
      solver.predict(x);
      if (!isLast) {
        denoised = await predict(x, level(i));
        solver.correct(x, denoised);
        nodes = [{ lambda: -Math.log(level(i)), denoised }, ...nodes].slice(0, order);
      }
      // The step to the end belongs to the one before it: it has no denoiser call of its own.
      if (i < steps - 1 || isLast) {
        onStep?.({ index: Math.min(i, steps - 1), sigma: level(i), x, denoised });
      }
    }
    return combine(x, [1 / alphaOf(level(steps)), x]);
  };
}

const alphaOf = (sigma: number): number => 1 / Math.sqrt(1 + sigma * sigma);

/** The denoiser for latents that are scaled by α. */
function scaledDenoiser(denoise: Denoise, size: number): Denoise {
  const unscaled = new Float32Array(size);
  return (x, sigma) => denoise(combine(unscaled, [1 / alphaOf(sigma), x]), sigma);
}

/** One step: x at the next sigma from earlier predictions, then once more with the prediction there. */
class Solver {
  /** x as the newest prediction alone would move it. */
  readonly #base: Float32Array;
  readonly #newest: Node;
  readonly #others: readonly Node[];
  /** Places of the other predictions and of the next sigma, in steps from the newest. */
  readonly #places: readonly number[];
  readonly #moments: readonly number[];
  readonly #weight: number;

  constructor(
    x: Float32Array,
    nodes: readonly Node[],
    sigma: number,
    { variant, order }: { readonly variant: UniPcVariant; readonly order: number },
  ) {
    const [newest, ...others] = nodes.slice(0, order) as [Node, ...Node[]];
    const width = -Math.log(sigma) - newest.lambda;
    const from = Math.exp(-newest.lambda);
    const alpha = alphaOf(sigma);
    const gain = Math.expm1(-width);
    this.#newest = newest;
    this.#others = others;
    this.#places = [...others.map(({ lambda }) => (lambda - newest.lambda) / width), 1];
    this.#base = combine(
      new Float32Array(x.length),
      [(sigma * alpha) / (from * alphaOf(from)), x],
      [-alpha * gain, newest.denoised],
    );
    const spread = variant === "bh1" ? -width : gain;
    this.#weight = -alpha * spread;
    this.#moments = phiMoments(-width, order).map((moment) => moment / spread);
  }

  /** Writes x at the next sigma into `out`. */
  predict(out: Float32Array): void {
    const count = this.#others.length;
    // For second order the paper takes one half instead of the solution.
    const factors =
      count === 1 ? [0.5] : solveVandermonde(this.#places.slice(0, count), this.#moments);
    this.#add(out, factors, null);
  }

  /** Writes x at the next sigma, given what was predicted there, into `out`. */
  correct(out: Float32Array, denoised: Float32Array): void {
    const factors =
      this.#places.length === 1 ? [0.5] : solveVandermonde(this.#places, this.#moments);
    this.#add(out, factors, denoised);
  }

  /** The base plus differences of predictions from the newest one, each divided by its place. */
  #add(out: Float32Array, factors: readonly number[], next: Float32Array | null): void {
    const predictions = this.#others.map(({ denoised }) => denoised);
    if (next !== null) predictions.push(next);
    const weights = predictions.map(
      (_, k) => (this.#weight * (factors[k] as number)) / (this.#places[k] as number),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    combine(
      out,
      [1, this.#base],
      [-total, this.#newest.denoised],
      ...predictions.map((values, k) => [weights[k] as number, values] as const),
    );
  }
}

/** n!·φₙ₊₁(h)·h for n = 1 … count, where φ₁ = (eʰ − 1)/h and φₙ₊₁ = (φₙ − 1/n!)/h. */
function phiMoments(h: number, count: number): number[] {
  const moments: number[] = [];
  let phi = Math.expm1(h) / h - 1;
  let factorial = 1;
  for (let n = 1; n <= count; n++) {
    moments.push(phi * factorial);
    factorial *= n + 1;
    phi = phi / h - 1 / factorial;
  }
  return moments;
}

/** The weights w with Σ wₖ·placeₖⁿ = momentₙ for n = 0, 1, …; one equation for each place. */
function solveVandermonde(places: readonly number[], moments: readonly number[]): number[] {
  const rows = places.map((_, n) => [...places.map((place) => place ** n), moments[n] as number]);
  const size = places.length;
  for (let column = 0; column < size; column++) {
    const pivotRow = rows
      .slice(column)
      .reduce((best, row) =>
        Math.abs(row[column] as number) > Math.abs(best[column] as number) ? row : best,
      );
    rows.splice(rows.indexOf(pivotRow), 1);
    rows.splice(column, 0, pivotRow);
    for (const row of rows) {
      if (row === pivotRow) continue;
      const factor = (row[column] as number) / (pivotRow[column] as number);
      for (let k = column; k <= size; k++) {
        row[k] = (row[k] as number) - factor * (pivotRow[k] as number);
      }
    }
  }
  return rows.map((row, k) => (row[size] as number) / (row[k] as number));
}
