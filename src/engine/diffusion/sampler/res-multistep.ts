/** RES: a second-order exponential integrator with the prediction of the step before (Zhang et al. 2023), in λ. */
import { ancestralSplit, type NoiseOptions } from "./ancestral.ts";
import { pairOf } from "./cfg-plus-plus.ts";
import { combine, eulerStep } from "./combine.ts";
import { type Denoise, type DenoisePair, intervals, type Sampler } from "./sampler.ts";

export interface ResOptions extends NoiseOptions {
  /** "plus-plus": CFG++, see cfg-plus-plus.ts. */
  readonly guidance?: "plain" | "plus-plus";
}

/** "res_multistep" with eta 0, "res_multistep_ancestral" with eta 1; with "_cfg_pp" for guidance "plus-plus". */
export function resMultistep({
  eta = 0,
  noiseScale = 1,
  guidance = "plain",
}: ResOptions = {}): Sampler {
  return async (x, run) => {
    const { sigmas, noise, onStep } = run;
    const denoise = guidance === "plain" ? alone(run.denoise) : pairOf(run);
    let previous: { readonly prediction: Float32Array; readonly down: number } | null = null;
    for (const { index, sigma, next } of intervals(sigmas)) {
      // With CFG++ x moves with the negative prediction and is shifted by what guidance makes of it.
      const { guided, negative: prediction } = await denoise(x, sigma);
      onStep?.({ index, sigma, x, denoised: guided });
      const { down, up } = ancestralSplit(sigma, next, eta);
      if (down === 0 || previous === null) {
        eulerStep(x, prediction, sigma, down);
        if (guided !== prediction) combine(x, [1, x], [1, guided], [-1, prediction]);
      } else {
        if (guided !== prediction) combine(x, [1, x], [1, guided], [-1, prediction]);
        const width = Math.log(sigma / down);
        // Where the earlier prediction lies, in widths: from the sigma that its step reached without noise.
        const position = Math.log(previous.down / (sigmas[index - 1] as number)) / width;
        const phi1 = -Math.expm1(-width) / width;
        const phi2 = (1 - phi1) / width;
        const earlier = Number.isFinite(phi2 / position) ? phi2 / position : 0;
        combine(
          x,
          [Math.exp(-width), x],
          [width * (phi1 - earlier), prediction],
          [width * earlier, previous.prediction],
        );
      }
      if (next > 0 && up > 0) combine(x, [1, x], [up * noiseScale, noise(sigma, next)]);
      previous = { prediction, down };
    }
    return x;
  };
}

/** The guided prediction in both places: plain guidance. */
function alone(denoise: Denoise): DenoisePair {
  return async (x, sigma) => {
    const guided = await denoise(x, sigma);
    return { guided, negative: guided };
  };
}
