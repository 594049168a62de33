/** Runs a sampler on a latent: noise, mask, latent scale, and the result in the latent's own scale again. */

import { WorkerError } from "../../../errors.ts";
import { TorchGenerator } from "../../random/torch-noise.ts";
import type { SigmaTable } from "../schedule/sigma-table.ts";
import { combine } from "./combine.ts";
import { type Latent, type LatentShape, startNoise } from "./latent.ts";
import type { SamplerMethod } from "./named-samplers.ts";
import { keepRegion, keepRegionOfPair, maskForLatent } from "./noise-mask.ts";
import type { Denoise, DenoisePair, SamplerStep, StepNoise } from "./sampler.ts";
import { brownianNoise, continuedNoise, normalNoise } from "./step-noise.ts";

/** A model with its conditioning and guidance, ready to be sampled. */
export interface SampledModel {
  /** Works in the sampler's scale. */
  readonly denoise: Denoise;
  /** Both predictions; needed by CFG++ samplers alone. */
  readonly denoisePair?: DenoisePair | undefined;
  /** As `denoise`, for latents of another shape; needed by samplers that change it. */
  readonly denoiseFor?: ((shape: LatentShape) => Denoise) | undefined;
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
  /** The noise of the start: drawn from the seed (default), none for a latent that is noisy already, or this one. */
  readonly noise?: "seeded" | "none" | Float32Array;
  readonly stepSeed?: StepSeed;
  readonly onStep?: ((step: SamplerStep) => void) | undefined;
}

export interface SampleResult {
  /** In the latent's scale; unchanged if there were no steps. */
  readonly samples: Float32Array;
  /** Another one than the latent's if the sampler has changed it. */
  readonly shape: LatentShape;
  /** The last clean prediction, in the latent's scale; null if there were no steps. */
  readonly denoised: Float32Array | null;
  readonly denoisedShape: LatentShape;
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
  let { shape } = latent;
  if (sigmas.length === 0) {
    return { samples: latent.samples.slice(), shape, denoised: null, denoisedShape: shape };
  }

  const start = combine(new Float32Array(size), [model.latentScale, latent.samples]);
  const noise = noiseOf(noiseSource, { seed, latent });
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
  const { denoiseFor } = model;
  const reshape = (next: LatentShape): Denoise => {
    if (denoiseFor === undefined) throw new Error("the model cannot sample another shape");
    if (latent.noiseMask !== undefined) throw resizedMask();
    shape = next;
    return denoiseFor(next);
  };
  let last: Float32Array | null = null;
  let denoisedShape = shape;
  const stepNoise = (): StepNoise => {
    if (method.noise === "brownian") return brownianNoise(seed, sigmas, size);
    if (method.noise === "continued") return continuedNoise(seed, latent, () => shape);
    return normalNoise(stepSeed === "next" ? seed + 1n : seed, size);
  };
  const sampled = await method.sample(x, {
    denoise,
    denoisePair,
    sigmas,
    table: model.table,
    latent: { shape, reshape },
    noise: stepNoise(),
    onStep: (step) => {
      last = step.denoised;
      denoisedShape = shape;
      request.onStep?.(step);
    },
  });
  const unscaled = (values: Float32Array): Float32Array =>
    combine(new Float32Array(values.length), [1 / model.latentScale, values]);
  const denoised = last === null ? null : unscaled(last);
  return { samples: unscaled(sampled), shape, denoised, denoisedShape };
}

const resizedMask = (): WorkerError =>
  new WorkerError(
    "invalid_request",
    "latent_image has a noise mask, and the sampler changes the size of the latent: leave out one of both",
  );

function noiseOf(
  source: Required<SampleRequest>["noise"],
  { seed, latent }: { readonly seed: bigint; readonly latent: Latent },
): Float32Array {
  if (typeof source === "object") return source;
  return source === "none" ? new Float32Array(latent.samples.length) : startNoise(seed, latent);
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
