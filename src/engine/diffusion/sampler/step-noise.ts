/** Draws the noise that samplers add between steps, as ComfyUI draws it on the CPU. */
import { WorkerError } from "../../../errors.ts";
import { BrownianTree } from "../../random/brownian-tree.ts";
import { TorchGenerator } from "../../random/torch-noise.ts";
import { combine } from "./combine.ts";
import { drawStartNoise, type Latent, type LatentShape, latentSize } from "./latent.ts";
import type { StepNoise } from "./sampler.ts";

/**
 * "normal": independent for every step. "brownian": increments of one path, whatever the steps are. "continued":
 * independent, from the generator of the start's noise, as in ComfyUI's samplers that use torch's global one.
 */
export type NoiseKind = "normal" | "brownian" | "continued";

/** Independent normals: one generator for the run, one draw for every step that asks. */
export function normalNoise(seed: bigint, size: number): StepNoise {
  const generator = new TorchGenerator(seed);
  const values = new Float32Array(size);
  return () => {
    generator.fill(values);
    return values;
  };
}

/** Goes on where the noise of the start ended; `shape` tells the latent's shape at the time. */
export function continuedNoise(seed: bigint, start: Latent, shape: () => LatentShape): StepNoise {
  const generator = new TorchGenerator(seed);
  let isDrawn = false;
  return () => {
    if (!isDrawn) drawStartNoise(generator, start);
    isDrawn = true;
    return generator.randn(latentSize(shape()));
  };
}

/**
 * Increments of a Brownian path over the schedule's sigmas, scaled to unit variance. Asking for one throws
 * `invalid_request` where the schedule has no two different sigmas above 0.
 */
export function brownianNoise(seed: bigint, sigmas: Float32Array, size: number): StepNoise {
  const values = new Float32Array(size);
  let tree: BrownianTree | null = null;
  return (sigma, next) => {
    // A schedule of one step has no path, and never asks for one.
    tree ??= pathOver(sigmas, seed, size);
    tree.increment(next, sigma, values);
    return combine(values, [-1 / Math.sqrt(Math.fround(sigma - next)), values]);
  };
}

function pathOver(sigmas: Float32Array, seed: bigint, size: number): BrownianTree {
  const [low, high] = [lowestPositive(sigmas), Math.max(...sigmas)];
  if (low < high && Number.isFinite(high)) return new BrownianTree(seed, low, high, size);
  const problem = `an SDE sampler draws its noise between the sigmas of its schedule, which go from ${high} to ${low}`;
  throw new WorkerError(
    "invalid_request",
    `${problem}: give it two different ones above 0, such as those of more steps`,
  );
}

function lowestPositive(sigmas: Float32Array): number {
  return Math.min(...sigmas.filter((sigma) => sigma > 0));
}
