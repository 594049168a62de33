/** DDIMScheduler: implicit steps between training timesteps, deterministic or with noise (Song et al. 2021). */
import { roundHalfToEven } from "../../schedule/python-numbers.ts";
import { combine } from "../combine.ts";
import { clamp } from "./lcm-run.ts";
import type { SchedulerConfig } from "./scheduler-config.ts";
import { cleanLatent, type SchedulerRun } from "./scheduler-run.ts";
import { checkSteps, spacedTimesteps } from "./timesteps.ts";
import { trainedAlphas } from "./trained-alphas.ts";

/** @param eta share of the noise of a DDPM step; 0 draws none */
export function ddimRun(config: SchedulerConfig, steps: number, eta = 0): SchedulerRun {
  checkSteps(steps, config.numTrainTimesteps);
  const alphas = trainedAlphas(config);
  const timesteps = spacedTimesteps(config, steps).map(roundHalfToEven);
  const width = Math.floor(config.numTrainTimesteps / steps);
  const final = config.setAlphaToOne ? 1 : (alphas[0] as number);
  const alphaAt = (timestep: number): number =>
    timestep < 0 ? final : (alphas[timestep] as number);
  return {
    timesteps,
    sigmas: null,
    initNoiseSigma: 1,
    scaleInput: (x) => x.slice(),
    step: ({ index, x, output, drawNoise }) => {
      const timestep = timesteps[index] as number;
      const [alpha, next] = [alphaAt(timestep), alphaAt(timestep - width)];
      const scales = { signal: Math.sqrt(alpha), noise: Math.sqrt(1 - alpha) };
      const clean = cleanLatent(config.predictionType, scales, { x, output });
      const normal = predictedNoise(config.predictionType, scales, { x, output, clean });
      if (config.clipSample) clamp(clean, config.clipSampleRange);
      const variance = ((1 - next) / (1 - alpha)) * (1 - alpha / next);
      const deviation = eta * Math.sqrt(variance);
      const along = Math.sqrt(1 - next - deviation * deviation);
      combine(clean, [Math.sqrt(next), clean], [along, normal]);
      return eta > 0 ? combine(clean, [1, clean], [deviation, drawNoise()]) : clean;
    },
    addNoise: (latent, noise, index) => {
      const alpha = alphaAt(timesteps[index] as number);
      const out = new Float32Array(latent.length);
      return combine(out, [Math.sqrt(alpha), latent], [Math.sqrt(1 - alpha), noise]);
    },
  };
}

interface Predicted {
  readonly x: Float32Array;
  readonly output: Float32Array;
  readonly clean: Float32Array;
}

/** The noise in x, from what the network predicts; before the clean latent is clamped. */
function predictedNoise(
  predictionType: SchedulerConfig["predictionType"],
  { signal, noise }: { readonly signal: number; readonly noise: number },
  { x, output, clean }: Predicted,
): Float32Array {
  const out = new Float32Array(x.length);
  switch (predictionType) {
    case "epsilon":
      return output;
    case "v_prediction":
      return combine(out, [signal, output], [noise, x]);
    case "sample":
      return combine(out, [1 / noise, x], [-signal / noise, clean]);
  }
}
