/** EulerDiscreteScheduler and EulerAncestralDiscreteScheduler: latents that are not scaled with the noise level. */
import { linspace } from "../../schedule/python-numbers.ts";
import { ancestralSplit } from "../ancestral.ts";
import { combine, eulerStep } from "../combine.ts";
import { numpyLog } from "./numpy-log.ts";
import type { SchedulerConfig } from "./scheduler-config.ts";
import { cleanLatent, type SchedulerRun } from "./scheduler-run.ts";
import {
  checkSteps,
  interpolateSigma,
  respacedSigmas,
  spacedTimesteps,
  timestepOfSigma,
} from "./timesteps.ts";
import { sigmasOf, trainedAlphas } from "./trained-alphas.ts";

const f = Math.fround;
/** Stands for an ᾱ of 0, whose sigma would be infinite. */
const LEAST_ALPHA = 2 ** -24;

/**
 * Euler's method (Karras et al. 2022, algorithm 1 without churn); the ancestral one steps below the next sigma and
 * adds noise, drawn on the last step too, where it counts for nothing.
 */
export function eulerRun(config: SchedulerConfig, steps: number): SchedulerRun {
  checkSteps(steps, config.numTrainTimesteps);
  const isAncestral = config.className === "EulerAncestralDiscreteScheduler";
  const { timesteps, sigmas } = eulerSchedule(config, steps);
  const highest = Math.max(...sigmas);
  const sigmaAt = (index: number): number => sigmas[index] as number;
  return {
    timesteps,
    sigmas,
    initNoiseSigma:
      config.timestepSpacing === "leading" ? f(Math.sqrt(highest * highest + 1)) : highest,
    scaleInput: (x, index) =>
      combine(new Float32Array(x.length), [1 / Math.sqrt(sigmaAt(index) ** 2 + 1), x]),
    step: ({ index, x, output, drawNoise }) => {
      const sigma = sigmaAt(index);
      const clean = cleanLatent(config.predictionType, { signal: 1, noise: sigma }, { x, output });
      const next = sigmaAt(index + 1);
      const { down, up } = ancestralSplit(sigma, next, isAncestral ? 1 : 0);
      const moved = x.slice();
      eulerStep(moved, clean, sigma, down);
      return isAncestral ? combine(moved, [1, moved], [up, drawNoise()]) : moved;
    },
    addNoise: (latent, noise, index) =>
      combine(new Float32Array(latent.length), [1, latent], [sigmaAt(index), noise]),
  };
}

function eulerSchedule(
  config: SchedulerConfig,
  steps: number,
): { readonly timesteps: number[]; readonly sigmas: Float32Array } {
  const alphas = trainedAlphas(config);
  if (config.rescaleBetasZeroSnr) alphas[alphas.length - 1] = LEAST_ALPHA;
  const trained = sigmasOf(alphas);
  const lowest = config.finalSigmasType === "zero" ? 0 : (trained[0] as number);
  const timesteps = spacedTimesteps(config, steps).map(f);
  const isLogLinear = config.interpolationType === "log_linear";
  const spaced = isLogLinear
    ? logLinear(trained, steps)
    : timesteps.map((timestep) => interpolateSigma(trained, timestep));
  if (config.sigmaSpacing === "timesteps") {
    return { timesteps, sigmas: Float32Array.of(...spaced, lowest) };
  }
  const range = { from: spaced[0] as number, to: spaced[spaced.length - 1] as number };
  const respaced = respacedSigmas(config.sigmaSpacing, range, steps);
  const logs = numpyLog(trained);
  return {
    timesteps: respaced.map((sigma) => f(timestepOfSigma(sigma, logs))),
    sigmas: Float32Array.of(...respaced, lowest),
  };
}

/** steps + 1 sigmas, equally spaced in ln sigma, over all that were trained. */
function logLinear(trained: Float32Array, steps: number): number[] {
  const from = Math.log(trained[trained.length - 1] as number);
  return [...linspace(from, Math.log(trained[0] as number), steps + 1)].map(Math.exp);
}
