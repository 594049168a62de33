/** LCMScheduler: consistency steps of a distilled model (Luo et al. 2023). */
import { consistencyScalings } from "../../schedule/prediction.ts";
import { combine } from "../combine.ts";
import type { SchedulerConfig } from "./scheduler-config.ts";
import { cleanLatent, type SchedulerRun } from "./scheduler-run.ts";
import { checkSteps } from "./timesteps.ts";
import { trainedAlphas } from "./trained-alphas.ts";

/** Each step predicts the clean latent; all but the last noise it again to the next timestep. */
export function lcmRun(config: SchedulerConfig, steps: number): SchedulerRun {
  checkSteps(steps, config.originalInferenceSteps);
  const alphas = trainedAlphas(config);
  const timesteps = distilledTimesteps(config, steps);
  const alphaAt = (index: number): number => alphas[timesteps[index] as number] as number;
  return {
    timesteps,
    sigmas: null,
    initNoiseSigma: 1,
    scaleInput: (x) => x.slice(),
    step: ({ index, x, output, drawNoise }) => {
      const alpha = alphaAt(index);
      const scales = { signal: Math.sqrt(alpha), noise: Math.sqrt(1 - alpha) };
      const clean = cleanLatent(config.predictionType, scales, { x, output });
      if (config.clipSample) clamp(clean, config.clipSampleRange);
      const { skip, out } = consistencyScalings(timesteps[index] as number, config.timestepScaling);
      combine(clean, [out, clean], [skip, x]);
      if (index === steps - 1) return clean;
      const next = alphaAt(index + 1);
      return combine(clean, [Math.sqrt(next), clean], [Math.sqrt(1 - next), drawNoise()]);
    },
    addNoise: (latent, noise, index) =>
      combine(
        new Float32Array(latent.length),
        [Math.sqrt(alphaAt(index)), latent],
        [Math.sqrt(1 - alphaAt(index)), noise],
      ),
  };
}

/** Of the timesteps that the model was distilled with, `steps` equally spaced ones from the last down. */
function distilledTimesteps(
  { numTrainTimesteps, originalInferenceSteps }: SchedulerConfig,
  steps: number,
): number[] {
  const width = Math.floor(numTrainTimesteps / originalInferenceSteps);
  return Array.from({ length: steps }, (_, i) => {
    const skipped = Math.floor((i * originalInferenceSteps) / steps);
    return (originalInferenceSteps - skipped) * width - 1;
  });
}

/** Clamps each value to ±range, in place. */
export function clamp(values: Float32Array, range: number): void {
  for (let i = 0; i < values.length; i++) {
    values[i] = Math.min(Math.max(values[i] as number, -range), range);
  }
}
