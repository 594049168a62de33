/** Defines a sampler: it turns noise into a latent by calling a denoiser along a sigma schedule. */

import type { SigmaTable } from "../schedule/sigma-table.ts";
import type { LatentShape } from "./latent.ts";

/**
 * Predicts the clean latent from a noisy one of noise level `sigma`. `x` may change after the promise settles. The
 * returned array must be a new one each time: the sampler keeps it for later steps, and only reads it.
 */
export type Denoise = (x: Float32Array, sigma: number) => Promise<Float32Array>;

/** What guidance makes of two predictions of one latent, and the one of the negative prompt alone. */
export interface GuidedPair {
  readonly guided: Float32Array;
  readonly negative: Float32Array;
}

/** As `Denoise`, for samplers that treat guidance in a way of their own. */
export type DenoisePair = (x: Float32Array, sigma: number) => Promise<GuidedPair>;

/**
 * Unit normal noise for the step from `sigma` down to `next`. The array is valid until the
 * next call.
 */
export type StepNoise = (sigma: number, next: number) => Float32Array;

/** What a sampler is doing: reported after the denoiser's first call of a step, before `x` moves on. */
export interface SamplerStep {
  readonly index: number;
  readonly sigma: number;
  /** The noisy latent at the beginning of the step; valid during the call only. */
  readonly x: Float32Array;
  /** The clean latent as predicted from it. */
  readonly denoised: Float32Array;
}

/** The shape of the latent, for samplers that change it while they run. */
export interface ReshapableLatent {
  /** At the start of the run. */
  readonly shape: LatentShape;
  /**
   * Says that the latent has another shape from now on, which step noise then has, too. Returns the denoiser for it.
   * Throws `invalid_request` for a latent with a noise mask.
   */
  reshape(shape: LatentShape): Denoise;
}

/** What a sampler works with. */
export interface SamplerRun {
  readonly denoise: Denoise;
  /** Needed by CFG++ samplers alone. */
  readonly denoisePair?: DenoisePair | undefined;
  /** Descending noise levels; a final 0 asks for a clean latent. */
  readonly sigmas: Float32Array;
  readonly noise: StepNoise;
  /** The model's noise levels; needed by SA-Solver alone. */
  readonly table?: SigmaTable | undefined;
  /** Needed by samplers that change its shape. */
  readonly latent?: ReshapableLatent | undefined;
  readonly onStep?: ((step: SamplerStep) => void) | undefined;
}

/**
 * Takes the noisy latent `x` of noise level `sigmas[0]` and resolves to the latent of noise level `sigmas.at(-1)`.
 * `x` belongs to the sampler, which overwrites it.
 */
export type Sampler = (x: Float32Array, run: SamplerRun) => Promise<Float32Array>;

/** One step of a schedule. */
export interface Interval {
  readonly index: number;
  readonly sigma: number;
  readonly next: number;
}

/** The steps of a schedule, in order. */
export function* intervals(sigmas: Float32Array): Generator<Interval> {
  for (let index = 0; index + 1 < sigmas.length; index++) {
    yield { index, sigma: sigmas[index] as number, next: sigmas[index + 1] as number };
  }
}
