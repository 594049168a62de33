/** How much signal a model was trained to see at each timestep, in single precision as diffusers computes it. */
import { linspace } from "../../schedule/python-numbers.ts";
import type { SchedulerConfig } from "./scheduler-config.ts";

const f = Math.fround;
/** Longest step of the cosine schedule. */
const MAX_BETA = 0.999;

/**
 * ᾱ for every training timestep: the running product of 1 − beta (Ho et al. 2020). With `rescaleBetasZeroSnr` it ends
 * at 0 (Lin et al. 2024).
 */
export function trainedAlphas(config: SchedulerConfig): Float32Array {
  const betas = trainedBetas(config);
  const alphas = runningProduct(betas.map((beta) => 1 - beta));
  return config.rescaleBetasZeroSnr ? zeroTerminal(alphas) : alphas;
}

function trainedBetas(config: SchedulerConfig): Float32Array {
  const { trainedBetas: given, betaStart, betaEnd, betaSchedule, numTrainTimesteps } = config;
  if (given !== null) return Float32Array.from(given);
  switch (betaSchedule) {
    case "linear":
      return linspace(betaStart, betaEnd, numTrainTimesteps);
    case "scaled_linear":
      return linspace(Math.sqrt(betaStart), Math.sqrt(betaEnd), numTrainTimesteps).map(
        (root) => root * root,
      );
    case "squaredcos_cap_v2": {
      // Nichol and Dhariwal 2021.
      const signal = (share: number): number =>
        Math.cos((((share + 0.008) / 1.008) * Math.PI) / 2) ** 2;
      return Float32Array.from({ length: numTrainTimesteps }, (_, i) =>
        Math.min(1 - signal((i + 1) / numTrainTimesteps) / signal(i / numTrainTimesteps), MAX_BETA),
      );
    }
  }
}

/** torch multiplies up in double precision and rounds each product. */
function runningProduct(factors: Float32Array): Float32Array {
  let product = 1;
  return factors.map((factor) => {
    product *= factor;
    return product;
  });
}

/** √ᾱ shifted and scaled so that it ends at 0 and begins where it did; by way of betas, with their rounding. */
function zeroTerminal(alphas: Float32Array): Float32Array {
  const roots = alphas.map(Math.sqrt);
  const first = roots[0] as number;
  const last = roots[roots.length - 1] as number;
  const scale = f(first / f(first - last));
  const rescaled = roots.map((root) => f(f(root - last) * scale) ** 2);
  const steps = rescaled.map((alpha, i) => (i === 0 ? alpha : alpha / (rescaled[i - 1] as number)));
  return runningProduct(steps.map((step) => 1 - f(1 - step)));
}

/** √((1 − ᾱ)/ᾱ), the noise level relative to an unscaled latent. */
export function sigmasOf(alphas: Float32Array): Float32Array {
  return alphas.map((alpha) => Math.sqrt(f(f(1 - alpha) / alpha)));
}
