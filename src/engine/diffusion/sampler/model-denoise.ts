/** Makes the denoiser of a sampler from a network that predicts noise, velocity or the clean latent. */
import { inputScale, type Prediction, predictionFactors } from "../schedule/prediction.ts";
import type { SigmaTable } from "../schedule/sigma-table.ts";
import { combine } from "./combine.ts";
import type { Denoise } from "./sampler.ts";

/**
 * One evaluation of a network with its conditioning: takes the scaled noisy latent and a training timestep, and returns
 * a new array. It may keep `input`, but not `step.x`, the latent before it was scaled.
 */
export type Predict = (
  input: Float32Array,
  timestep: number,
  step: { readonly x: Float32Array; readonly sigma: number },
) => Promise<Float32Array>;

/** How a model's timesteps and outputs are to be read. */
export interface ModelSampling {
  readonly table: SigmaTable;
  readonly prediction: Prediction;
}

/**
 * Scales the latent to the network's input, looks up the timestep, and turns the output into a clean latent.
 *
 * ```ts
 * const table = new SigmaTable(trainedSigmas());
 * const denoise = modelDenoise(unet, { table, prediction: "eps" });
 * ```
 */
export function modelDenoise(predict: Predict, { table, prediction }: ModelSampling): Denoise {
  return async (x, sigma) => {
    const input = combine(new Float32Array(x.length), [inputScale(prediction, sigma), x]);
    const output = await predict(input, table.timestep(sigma), { x, sigma });
    const { latent, output: factor } = predictionFactors(prediction, sigma, table);
    return combine(new Float32Array(x.length), [latent, x], [factor, output]);
  };
}
