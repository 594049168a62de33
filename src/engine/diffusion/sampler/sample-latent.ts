/** Runs a sampler on a latent: noise, mask, latent scale, and the result in the latent's own scale again. */

import { TorchGenerator } from "../../random/torch-noise.ts";
import type { SigmaTable } from "../schedule/sigma-table.ts";
import { combine } from "./combine.ts";
import { type Latent, startNoise } from "./latent.ts";
import type { SamplerMethod } from "./named-samplers.ts";
import { keepRegion, keepRegionOfPair, maskForLatent } from "./noise-mask.ts";
import type { Denoise, DenoisePair, SamplerStep } from "./sampler.ts";
import { brownianNoise, normalNoise } from "./step-noise.ts";

/** A model with its conditioning and guidance, ready to be sampled. */
export interface SampledModel {
  /** Works in the sampler's scale. */
  readonly denoise: Denoise;
  /** Both predictions; needed by CFG++ samplers alone. */
  readonly denoisePair?: DenoisePair | undefined;
  readonly table: SigmaTable;
  /** Factor from a LATENT to the sampler's scale: 0.18215 for Stable Diffusion 1.x and 2.x, 0.13025 for XL. */
  readonly latentScale: number;
}

/**
 * Which seed independent step noise is drawn from: "next" is seed + 1, as ComfyUI does on the CPU; "same" is the seed
 * itself, as it did up to version 0.3.64, where the first step noise therefore equals the noise of the start.
 */
export type StepSeed = "next" | "same";

export interface SampleRequest {
  readonly method: SamplerMethod;
  /** Descending; empty for a latent that comes back unchanged. */
  readonly sigmas: Float32Array;
  /** Taken modulo 2⁶⁴. */
  readonly seed: bigint;
  /** "none" for a latent that is noisy already. */
  readonly noise?: "seeded" | "none";
  readonly stepSeed?: StepSeed;
  readonly onStep?: ((step: SamplerStep) => void) | undefined;
}

export interface SampleResult {
  /** In the latent's scale; unchanged if there were no steps. */
  readonly samples: Float32Array;
  /** The last clean prediction, in the latent's scale; null if there were no steps. */
  readonly denoised: Float32Array | null;
}

/** What SamplerCustom computes, and the other sampler nodes with schedules of their own. */
export async function sampleLatent(
  model: SampledModel,
  latent: Latent,
  request: SampleRequest,
): Promise<SampleResult> {
  const { method, sigmas, noise: noiseSource = "seeded", stepSeed = "next" } = request;
  const seed = BigInt.asUintN(64, request.seed);
  const size = latent.samples.length;
  if (sigmas.length === 0) return { samples: latent.samples.slice(), denoised: null };

  const start = combine(new Float32Array(size), [model.latentScale, latent.samples]);
  const noise = noiseSource === "none" ? new Float32Array(size) : startNoise(seed, latent);
  const x = combine(new Float32Array(size), [1, start], [startScale(model.table, sigmas), noise]);

  let { denoise, denoisePair } = model;
  if (latent.noiseMask !== undefined) {
    const isFresh = method.keptRegionNoise === "fresh";
    const region = {
      mask: maskForLatent(latent.noiseMask, latent.shape),
      latent: start,
      noise: isFresh ? new TorchGenerator(seed + 1n).randn(size) : noise,
    };
    denoise = keepRegion(denoise, region);
    denoisePair = denoisePair && keepRegionOfPair(denoisePair, region);
  }
  let last: Float32Array | null = null;
  const sampled = await method.sample(x, {
    denoise,
    denoisePair,
    sigmas,
    table: model.table,
    noise:
      method.noise === "brownian"
        ? brownianNoise(seed, sigmas, size)
        : normalNoise(stepSeed === "next" ? seed + 1n : seed, size),
    onStep: (step) => {
      last = step.denoised;
      request.onStep?.(step);
    },
  });
  const unscaled = (values: Float32Array): Float32Array =>
    combine(new Float32Array(size), [1 / model.latentScale, values]);
  return { samples: unscaled(sampled), denoised: last === null ? null : unscaled(last) };
}

/**
 * The factor of the noise: the first sigma; at the model's highest sigma or above √(1 + σ²), the deviation that a
 * variance-preserving start has.
 */
function startScale({ sigmaMax }: SigmaTable, sigmas: Float32Array): number {
  const first = sigmas[0] as number;
  const isHighest =
    first > sigmaMax || Math.abs(first - sigmaMax) <= 1e-5 * Math.max(first, sigmaMax);
  return isHighest ? Math.sqrt(1 + first * first) : first;
}
