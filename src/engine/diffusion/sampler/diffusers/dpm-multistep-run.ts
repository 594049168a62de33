/** DPMSolverMultistepScheduler: DPM-Solver++ with earlier predictions (Lu et al. 2022), in λ = ln(signal/noise). */
import { roundHalfToEven } from "../../schedule/python-numbers.ts";
import { combine } from "../combine.ts";
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

/** Below this many steps the last ones are of lower order. */
const FEW_STEPS = 15;
const LEAST_ALPHA = 2 ** -24;

/** A prediction of an earlier step. */
interface Prediction {
  readonly clean: Float32Array;
  readonly lambda: number;
}

/** The latent is kept at unit variance: signal² + noise² = 1, sigma = noise/signal. */
function scalesOf(sigma: number): { readonly signal: number; readonly noise: number } {
  const signal = 1 / Math.sqrt(sigma * sigma + 1);
  return { signal, noise: sigma * signal };
}

export function dpmMultistepRun(config: SchedulerConfig, steps: number): SchedulerRun {
  checkSteps(steps, config.numTrainTimesteps);
  const { timesteps, sigmas } = dpmSchedule(config, steps);
  const isStochastic = config.algorithmType === "sde-dpmsolver++";
  const sigmaAt = (index: number): number => sigmas[index] as number;
  let earlier: readonly Prediction[] = [];
  return {
    timesteps,
    sigmas,
    initNoiseSigma: 1,
    scaleInput: (x) => x.slice(),
    step: ({ index, x, output, drawNoise }) => {
      const sigma = sigmaAt(index);
      const clean = cleanLatent(config.predictionType, scalesOf(sigma), { x, output });
      const now = { clean, lambda: -Math.log(sigma) };
      const history = earlier.slice(0, orderOf(config, index, timesteps.length) - 1);
      earlier = [now, ...earlier].slice(0, 2);
      const noise = isStochastic ? drawNoise() : null;
      return multistep(x, [now, ...history], {
        sigma,
        next: sigmaAt(index + 1),
        solverType: config.solverType,
        noise,
      });
    },
    addNoise: (latent, noise, index) => {
      const { signal, noise: level } = scalesOf(sigmaAt(index));
      return combine(new Float32Array(latent.length), [signal, latent], [level, noise]);
    },
  };
}

/** The order that the options allow at a step; the number of earlier predictions may be smaller still. */
function orderOf(config: SchedulerConfig, index: number, steps: number): number {
  const isLowered = config.lowerOrderFinal && steps < FEW_STEPS;
  const isEulerLast = config.eulerAtFinal || isLowered || config.finalSigmasType === "zero";
  if (index === steps - 1 && isEulerLast) return 1;
  if (index === steps - 2 && isLowered) return Math.min(config.solverOrder, 2);
  return config.solverOrder;
}

interface MultistepStep {
  readonly sigma: number;
  readonly next: number;
  readonly solverType: SchedulerConfig["solverType"];
  /** Null for the deterministic solver. */
  readonly noise: Float32Array | null;
}

/** One step by one to three predictions, the newest first: eq. 13 to 16 of the paper, and their stochastic forms. */
function multistep(
  x: Float32Array,
  [now, last, beforeLast]: readonly Prediction[],
  { sigma, next, solverType, noise }: MultistepStep,
): Float32Array {
  if (now === undefined) throw new RangeError("a step needs a prediction");
  const [from, to] = [scalesOf(sigma), scalesOf(next)];
  const width = Math.log(sigma / next);
  // The stochastic equation forgets x twice as fast, and noise makes up for it.
  const reach = noise === null ? width : 2 * width;
  const gain = -Math.expm1(-reach);
  const kept = (to.noise / from.noise) * (noise === null ? 1 : Math.exp(-width));
  const out = combine(new Float32Array(x.length), [kept, x], [to.signal * gain, now.clean]);
  if (last !== undefined) {
    const r0 = (now.lambda - last.lambda) / width;
    const curved = 1 - gain / reach;
    if (beforeLast === undefined) {
      const weight = (to.signal * (solverType === "heun" ? curved : gain / 2)) / r0;
      combine(out, [1, out], [weight, now.clean], [-weight, last.clean]);
    } else {
      // Newton's divided differences of the predictions over λ.
      const r1 = (last.lambda - beforeLast.lambda) / width;
      // In the stochastic form diffusers adds the half; it is kept to agree with it.
      const half = noise === null ? -0.5 : 0.5;
      const bent = (reach - gain) / (reach * reach) + half;
      const along = to.signal * (curved * (1 + r0 / (r0 + r1)) - bent / (r0 + r1));
      const across = (to.signal * (curved * r0 - bent)) / (r0 + r1);
      combine(
        out,
        [1, out],
        [along / r0, now.clean],
        [-along / r0 - across / r1, last.clean],
        [across / r1, beforeLast.clean],
      );
    }
  }
  return noise === null ? out : combine(out, [1, out], [to.noise * Math.sqrt(gain), noise]);
}

function dpmSchedule(
  config: SchedulerConfig,
  steps: number,
): { readonly timesteps: number[]; readonly sigmas: Float32Array } {
  const alphas = trainedAlphas(config);
  if (config.rescaleBetasZeroSnr) alphas[alphas.length - 1] = LEAST_ALPHA;
  const trained = sigmasOf(alphas);
  const lowest = config.finalSigmasType === "zero" ? 0 : (trained[0] as number);
  if (config.sigmaSpacing !== "timesteps") {
    const range = { from: trained[trained.length - 1] as number, to: trained[0] as number };
    const sigmas = respacedSigmas(config.sigmaSpacing, range, steps);
    const logs = numpyLog(trained);
    return {
      timesteps: sigmas.map((sigma) => roundHalfToEven(timestepOfSigma(sigma, logs))),
      sigmas: Float32Array.of(...sigmas, lowest),
    };
  }
  // One step more is spaced out and the cleanest left out, but not for trailing spacing.
  const timesteps =
    config.timestepSpacing === "trailing"
      ? spacedTimesteps(config, steps)
      : spacedTimesteps(config, steps + 1)
          .slice(0, -1)
          .map(roundHalfToEven);
  const sigmas = timesteps.map((timestep) => interpolateSigma(trained, timestep));
  return { timesteps, sigmas: Float32Array.of(...sigmas, lowest) };
}
