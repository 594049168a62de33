/** ER-SDE-Solver-3: a reverse stochastic equation with its own amount of noise at each level (Cui et al. 2023). */
import { combine } from "./combine.ts";
import { intervals, type Sampler } from "./sampler.ts";

/** Points at which ComfyUI adds up the integrals. */
const POINTS = 200;

/** The paper's φ(λ) of the solver ER-SDE 5, with λ = sigma. */
const scaler = (sigma: number): number => sigma * (Math.exp(sigma ** 0.3) + 10);

/** "er_sde": up to third order, with the predictions of two earlier steps. */
export function erSde(noiseScale = 1): Sampler {
  return async (x, { denoise, sigmas, noise, onStep }) => {
    let previous: Float32Array | null = null;
    let previousChange: Float32Array | null = null;
    for (const { index, sigma, next } of intervals(sigmas)) {
      const denoised = await denoise(x, sigma);
      onStep?.({ index, sigma, x, denoised });
      if (next === 0) {
        x.set(denoised);
        continue;
      }
      const ratio = scaler(next) / scaler(sigma);
      combine(x, [ratio, x], [1 - ratio, denoised]);
      if (previous !== null) {
        const { plain, weighted } = integrals(sigma, next);
        const width = next - sigma;
        const span = sigma - (sigmas[index - 1] as number);
        const change = combine(
          new Float32Array(x.length),
          [1 / span, denoised],
          [-1 / span, previous],
        );
        combine(x, [1, x], [width + plain * scaler(next), change]);
        if (previousChange !== null) {
          const halfSpan = (sigma - (sigmas[index - 2] as number)) / 2;
          const weight = ((width * width) / 2 + weighted * scaler(next)) / halfSpan;
          combine(x, [1, x], [weight, change], [-weight, previousChange]);
        }
        previousChange = change;
      }
      const variance = next ** 2 - (sigma * ratio) ** 2;
      if (noiseScale > 0) {
        const deviation = Math.sqrt(Math.max(variance, 0)) * noiseScale;
        combine(x, [1, x], [deviation, noise(sigma, next)]);
      }
      previous = denoised;
    }
    return x;
  };
}

/** The integrals of 1/φ and of (λ − sigma)/φ from `next` up to `sigma`, as left sums. */
function integrals(
  sigma: number,
  next: number,
): { readonly plain: number; readonly weighted: number } {
  const width = (sigma - next) / POINTS;
  let plain = 0;
  let weighted = 0;
  for (let i = 0; i < POINTS; i++) {
    const position = next + i * width;
    plain += width / scaler(position);
    weighted += (width * (position - sigma)) / scaler(position);
  }
  return { plain, weighted };
}
