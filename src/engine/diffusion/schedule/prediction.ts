/** Turns what a denoising network puts out into a clean latent, by what it was trained to predict. */
import type { SigmaTable } from "./sigma-table.ts";

/**
 * "eps": the noise (Ho et al. 2020). "v_prediction": the velocity (Salimans and Ho 2022). "x0": the clean latent.
 * "img_to_img": the clean latent, from an input that is not scaled. "lcm": the noise, with the boundary condition of
 * consistency models (Song et al. 2023; Luo et al. 2023). The names are those of ComfyUI's ModelSamplingDiscrete.
 */
export type Prediction = "eps" | "v_prediction" | "lcm" | "x0" | "img_to_img";

/** The factor that brings a latent with noise `sigma` to the network's input. */
export function inputScale(prediction: Prediction, sigma: number): number {
  return prediction === "img_to_img" ? 1 : 1 / Math.sqrt(sigma * sigma + 1);
}

/** clean latent = `latent`·x + `output`·(network output). */
export interface PredictionFactors {
  readonly latent: number;
  readonly output: number;
}

export function predictionFactors(
  prediction: Prediction,
  sigma: number,
  table: SigmaTable,
): PredictionFactors {
  switch (prediction) {
    case "eps":
      return { latent: 1, output: -sigma };
    case "v_prediction": {
      const total = sigma * sigma + 1;
      return { latent: 1 / total, output: -sigma / Math.sqrt(total) };
    }
    case "x0":
    case "img_to_img":
      return { latent: 0, output: 1 };
    case "lcm": {
      const { skip, out } = consistencyScalings(table.timestep(sigma));
      return { latent: skip + out, output: -sigma * out };
    }
  }
}

/** Data deviation and timestep factor of latent consistency models. */
const SIGMA_DATA = 0.5;

/** How much of the noisy latent and of the prediction make the clean latent: all of the former at timestep 0. */
export function consistencyScalings(
  timestep: number,
  timestepScale = 10,
): { readonly skip: number; readonly out: number } {
  const scaled = timestep * timestepScale;
  const total = scaled * scaled + SIGMA_DATA ** 2;
  return { skip: SIGMA_DATA ** 2 / total, out: scaled / Math.sqrt(total) };
}
