/** Defines one run of a diffusers scheduler, and turns a network's output into a clean latent. */
import { combine } from "../combine.ts";
import type { SchedulerConfig } from "./scheduler-config.ts";

/**
 * A number of inference steps of one scheduler. Steps are counted from 0, in the order of `timesteps`; image to image
 * begins at a later one. A run remembers earlier outputs: one run for each picture.
 */
export interface SchedulerRun {
  /** Training timesteps, descending; fractional for some options. */
  readonly timesteps: readonly number[];
  /** Noise levels with the one after the last step, if the scheduler works with them. */
  readonly sigmas: Float32Array | null;
  /** The factor of the noise that text to image starts from. */
  readonly initNoiseSigma: number;
  /** The network's input for a step, in a new array. */
  scaleInput(x: Float32Array, index: number): Float32Array;
  /** The latent after a step, in a new array. Draws noise as often and in the order that diffusers does. */
  step(step: SchedulerStep): Float32Array;
  /** A clean latent noised to the level before a step, in a new array. */
  addNoise(latent: Float32Array, noise: Float32Array, index: number): Float32Array;
}

export interface SchedulerStep {
  readonly index: number;
  readonly x: Float32Array;
  /** What the network put out for the scaled x; it is only read, and kept by multistep schedulers. */
  readonly output: Float32Array;
  /** The next unit normals of the latent's size. */
  readonly drawNoise: () => Float32Array;
}

/**
 * The clean latent from x = signal·clean + noise·normal, by what the network predicts: the noise (Ho et al. 2020), the
 * velocity signal·normal − noise·clean (Salimans and Ho 2022), or the clean latent. In a new array.
 */
export function cleanLatent(
  predictionType: SchedulerConfig["predictionType"],
  { signal, noise }: { readonly signal: number; readonly noise: number },
  { x, output }: Pick<SchedulerStep, "x" | "output">,
): Float32Array {
  const out = new Float32Array(x.length);
  const power = signal * signal + noise * noise;
  switch (predictionType) {
    case "epsilon":
      return combine(out, [1 / signal, x], [-noise / signal, output]);
    case "v_prediction":
      return combine(out, [signal / power, x], [-noise / Math.sqrt(power), output]);
    case "sample":
      return output.slice();
  }
}
