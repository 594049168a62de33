/** DPM-Solver++ with two denoiser calls a step (Lu et al. 2022, "DPM-Solver++"), in λ = −ln sigma. */
import { ancestralSplit, type NoiseOptions } from "./ancestral.ts";
import { combine } from "./combine.ts";
import { intervals, type Sampler } from "./sampler.ts";

const f = Math.fround;

/**
 * x at `target`, exactly if the clean prediction did not change in between: (target/sigma)·x + (1 − target/sigma)·D.
 * The first-order exponential integrator, which is Euler's step in another form.
 */
function exponentialStep(
  out: Float32Array,
  x: Float32Array,
  denoised: Float32Array,
  ratio: number,
): void {
  combine(out, [ratio, x], [1 - ratio, denoised]);
}

/** "dpmpp_2s_ancestral": second order below the next sigma, then fresh noise back up to it. */
export function dpmpp2sAncestral({ eta = 1, noiseScale = 1 }: NoiseOptions = {}): Sampler {
  return async (x, { denoise, sigmas, noise, onStep }) => {
    const ahead = new Float32Array(x.length);
    for (const { index, sigma, next } of intervals(sigmas)) {
      const denoised = await denoise(x, sigma);
      onStep?.({ index, sigma, x, denoised });
      const { down, up } = ancestralSplit(sigma, next, eta);
      if (down === 0) {
        exponentialStep(x, x, denoised, 0);
      } else {
        const middle = f(Math.sqrt(sigma * down));
        exponentialStep(ahead, x, denoised, middle / sigma);
        exponentialStep(x, x, await denoise(ahead, middle), down / sigma);
      }
      if (next > 0) combine(x, [1, x], [up * noiseScale, noise(sigma, next)]);
    }
    return x;
  };
}

/**
 * "dpmpp_sde": a stochastic step to the share `r` of the way in λ, then one over all of it with the two predictions
 * combined. Its noise is one Brownian path, so that both steps see the same noise where they overlap.
 */
export function dpmppSde({
  eta = 1,
  noiseScale = 1,
  r = 0.5,
}: NoiseOptions & { readonly r?: number } = {}): Sampler {
  return async (x, { denoise, sigmas, noise, onStep }) => {
    const ahead = new Float32Array(x.length);
    for (const { index, sigma, next } of intervals(sigmas)) {
      const denoised = await denoise(x, sigma);
      onStep?.({ index, sigma, x, denoised });
      if (next === 0) {
        x.set(denoised);
        continue;
      }
      const middle = between(sigma, next, r);
      const first = ancestralSplit(sigma, middle, eta);
      exponentialStep(ahead, x, denoised, first.down / sigma);
      if (eta > 0 && noiseScale > 0) {
        combine(ahead, [1, ahead], [first.up * noiseScale, noise(sigma, middle)]);
      }
      const second = await denoise(ahead, middle);
      const whole = ancestralSplit(sigma, next, eta);
      const ratio = whole.down / sigma;
      const share = 1 / (2 * r);
      combine(x, [ratio, x], [(1 - ratio) * (1 - share), denoised], [(1 - ratio) * share, second]);
      if (eta > 0 && noiseScale > 0) {
        combine(x, [1, x], [whole.up * noiseScale, noise(sigma, next)]);
      }
    }
    return x;
  };
}

/**
 * The sigma at a share of the way in λ. In single precision throughout: it is a time on the Brownian path, whose
 * noise differs visibly between neighbouring floats.
 */
function between(sigma: number, next: number, share: number): number {
  const from = f(-Math.log(sigma));
  const width = f(f(-Math.log(next)) - from);
  return f(Math.exp(-f(from + f(share * width))));
}
