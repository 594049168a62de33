/** DPM-Solver++ with one denoiser call a step and the predictions of earlier ones, in λ = −ln sigma. */
import type { NoiseOptions } from "./ancestral.ts";
import { combine, eulerStep } from "./combine.ts";
import { intervals, type Sampler } from "./sampler.ts";

/** "dpmpp_2m": second order, deterministic (Lu et al. 2022, "DPM-Solver++", algorithm 2). */
export const dpmpp2m: Sampler = async (x, { denoise, sigmas, onStep }) => {
  let previous: Float32Array | null = null;
  let lastWidth = 0;
  for (const { index, sigma, next } of intervals(sigmas)) {
    const denoised = await denoise(x, sigma);
    onStep?.({ index, sigma, x, denoised });
    const width = Math.log(sigma / next);
    if (previous === null || next === 0) {
      eulerStep(x, denoised, sigma, next);
    } else {
      const ratio = next / sigma;
      const extrapolation = width / (2 * lastWidth);
      combine(
        x,
        [ratio, x],
        [(1 - ratio) * (1 + extrapolation), denoised],
        [-(1 - ratio) * extrapolation, previous],
      );
    }
    [previous, lastWidth] = [denoised, width];
  }
  return x;
};

export interface MultistepSdeOptions extends NoiseOptions {
  /** How the change of the prediction is integrated. */
  readonly solver?: "midpoint" | "heun";
}

/** "dpmpp_2m_sde": the stochastic differential equation to second order; its noise is a Brownian path. */
export function dpmpp2mSde({
  eta = 1,
  noiseScale = 1,
  solver = "midpoint",
}: MultistepSdeOptions = {}): Sampler {
  return async (x, { denoise, sigmas, noise, onStep }) => {
    let previous: Float32Array | null = null;
    let lastWidth = 0;
    for (const { index, sigma, next } of intervals(sigmas)) {
      const denoised = await denoise(x, sigma);
      onStep?.({ index, sigma, x, denoised });
      const width = Math.log(sigma / next);
      if (next === 0) {
        x.set(denoised);
      } else {
        const reach = width * (1 + eta);
        const gain = -Math.expm1(-reach);
        combine(x, [Math.exp(-reach), x], [gain, denoised]);
        if (previous !== null) {
          const change = solver === "heun" ? 1 - gain / reach : gain / 2;
          const weight = (change * width) / lastWidth;
          combine(x, [1, x], [weight, denoised], [-weight, previous]);
        }
        addNoise(x, { eta, noiseScale, width, next }, () => noise(sigma, next));
      }
      [previous, lastWidth] = [denoised, width];
    }
    return x;
  };
}

/** "dpmpp_3m_sde": the same to third order, with the predictions of two earlier steps. */
export function dpmpp3mSde({ eta = 1, noiseScale = 1 }: NoiseOptions = {}): Sampler {
  return async (x, { denoise, sigmas, noise, onStep }) => {
    let earlier: { readonly denoised: Float32Array; readonly width: number }[] = [];
    for (const { index, sigma, next } of intervals(sigmas)) {
      const denoised = await denoise(x, sigma);
      onStep?.({ index, sigma, x, denoised });
      const width = Math.log(sigma / next);
      if (next === 0) {
        x.set(denoised);
      } else {
        const reach = width * (1 + eta);
        const phi1 = -Math.expm1(-reach);
        const phi2 = 1 - phi1 / reach;
        const phi3 = phi2 / reach - 0.5;
        combine(x, [Math.exp(-reach), x], [phi1, denoised]);
        const [last, beforeLast] = earlier;
        if (last !== undefined && beforeLast === undefined) {
          const weight = (phi2 * width) / last.width;
          combine(x, [1, x], [weight, denoised], [-weight, last.denoised]);
        } else if (last !== undefined && beforeLast !== undefined) {
          // Newton's divided differences of the predictions over λ.
          const [r0, r1] = [last.width / width, beforeLast.width / width];
          const along = phi2 * (1 + r0 / (r0 + r1)) - phi3 / (r0 + r1);
          const across = (phi2 * r0 - phi3) / (r0 + r1);
          combine(
            x,
            [1, x],
            [along / r0, denoised],
            [-along / r0 - across / r1, last.denoised],
            [across / r1, beforeLast.denoised],
          );
        }
        addNoise(x, { eta, noiseScale, width, next }, () => noise(sigma, next));
      }
      earlier = [{ denoised, width }, ...earlier.slice(0, 1)];
    }
    return x;
  };
}

interface NoiseAmount {
  readonly eta: number;
  readonly noiseScale: number;
  /** The step's width in λ. */
  readonly width: number;
  readonly next: number;
}

function addNoise(
  x: Float32Array,
  { eta, noiseScale, width, next }: NoiseAmount,
  draw: () => Float32Array,
): void {
  if (eta <= 0 || noiseScale <= 0) return;
  const deviation = next * Math.sqrt(-Math.expm1(-2 * width * eta));
  combine(x, [1, x], [deviation * noiseScale, draw()]);
}
