/**
 * CFG++ (Chung et al. 2024): x moves with the prediction of the negative prompt, and is then shifted by the difference
 * that guidance makes. In ComfyUI's names: samplers that end in "_cfg_pp".
 */
import { ancestralSplit, logMiddle, type NoiseOptions } from "./ancestral.ts";
import { combine, eulerStep, slope } from "./combine.ts";
import { type DenoisePair, intervals, type Sampler, type SamplerRun } from "./sampler.ts";

/** The pair of predictions of a run. Throws `RangeError` if its model does not give it. */
export function pairOf({ denoisePair }: SamplerRun): DenoisePair {
  if (denoisePair !== undefined) return denoisePair;
  throw new RangeError("a CFG++ sampler needs a model that gives the negative prediction as well");
}

/** "euler_ancestral_cfg_pp"; with eta 0 "euler_cfg_pp". */
export function eulerCfgPlusPlus({ eta = 1, noiseScale = 1 }: NoiseOptions = {}): Sampler {
  return async (x, run) => {
    const denoise = pairOf(run);
    for (const { index, sigma, next } of intervals(run.sigmas)) {
      const { guided, negative } = await denoise(x, sigma);
      run.onStep?.({ index, sigma, x, denoised: guided });
      const { down, up } = ancestralSplit(sigma, next, eta);
      eulerStep(x, negative, sigma, down);
      combine(x, [1, x], [1, guided], [-1, negative]);
      if (next > 0 && eta > 0) combine(x, [1, x], [up * noiseScale, run.noise(sigma, next)]);
    }
    return x;
  };
}

/**
 * "dpmpp_2s_ancestral_cfg_pp". As in ComfyUI, the second half of a step moves away from the negative prediction of the
 * middle, from the guided one of the start.
 */
export function dpmpp2sCfgPlusPlus({ eta = 1, noiseScale = 1 }: NoiseOptions = {}): Sampler {
  return async (x, run) => {
    const denoise = pairOf(run);
    const ahead = new Float32Array(x.length);
    for (const { index, sigma, next } of intervals(run.sigmas)) {
      const { guided, negative } = await denoise(x, sigma);
      run.onStep?.({ index, sigma, x, denoised: guided });
      const { down, up } = ancestralSplit(sigma, next, eta);
      if (down === 0) {
        x.set(guided);
      } else {
        const middle = logMiddle(sigma, down);
        const half = middle / sigma;
        combine(ahead, [half, x], [-half, negative], [1, guided]);
        const second = await denoise(ahead, middle);
        const kept = down / sigma;
        combine(
          x,
          ...([
            [kept, x],
            [kept, guided],
          ] as const),
          ...([
            [-kept, second.negative],
            [1 - kept, second.guided],
          ] as const),
        );
      }
      if (next > 0) combine(x, [1, x], [up * noiseScale, run.noise(sigma, next)]);
    }
    return x;
  };
}

/** "dpmpp_2m_cfg_pp": extrapolates from the earlier negative to this guided prediction. */
export const dpmpp2mCfgPlusPlus: Sampler = async (x, run) => {
  const denoise = pairOf(run);
  let previous: Float32Array | null = null;
  let lastWidth = 0;
  for (const { index, sigma, next } of intervals(run.sigmas)) {
    const { guided, negative } = await denoise(x, sigma);
    run.onStep?.({ index, sigma, x, denoised: guided });
    const width = Math.log(sigma / next);
    eulerStep(x, negative, sigma, next);
    combine(x, [1, x], [1, guided], [-1, negative]);
    if (previous !== null && next > 0) {
      const extrapolation = ((1 - next / sigma) * width) / (2 * lastWidth);
      combine(x, [1, x], [extrapolation, guided], [-extrapolation, previous]);
    }
    [previous, lastWidth] = [negative, width];
  }
  return x;
};

/** "gradient_estimation_cfg_pp": see gradientEstimation. */
export function gradientEstimationCfgPlusPlus(gamma = 2): Sampler {
  return async (x, run) => {
    const denoise = pairOf(run);
    let previous: Float32Array | null = null;
    for (const { index, sigma, next } of intervals(run.sigmas)) {
      const { guided, negative } = await denoise(x, sigma);
      run.onStep?.({ index, sigma, x, denoised: guided });
      const steepness = slope(x, negative, sigma);
      eulerStep(x, negative, sigma, next);
      combine(x, [1, x], [1, guided], [-1, negative]);
      if (previous !== null && next > 0) {
        const push = (gamma - 1) * (next - sigma);
        combine(x, [1, x], [push, steepness], [-push, previous]);
      }
      previous = steepness;
    }
    return x;
  };
}
