/** Makes pictures that are drawn without video change smoothly: each starts from the latent of the last one, with noise that changes gradually. */
import { combine } from "../sampler/combine.ts";
import { type Latent, latentSize } from "../sampler/latent.ts";
import { wanderingNoise } from "./noise-walk.ts";
import type { StreamSettings } from "./stream-settings.ts";

/** What the run for a picture starts from. */
export interface FlowStart {
  readonly latent: Latent;
  readonly noise: Float32Array;
  /** Share of the noise that is added and removed. */
  readonly strength: number;
}

export class LatentFeedback {
  #last: Float32Array | null = null;
  /** The run in progress starts from noise alone. */
  #isFresh = true;
  /** Root mean square of the latest latent that was drawn from noise alone. */
  #freshRms = 0;

  /** `empty`: a latent of zeros, always of the same size. Without feedback, and at first, the run starts from it. */
  start(
    empty: Latent,
    { seed, feedback, noisePlace }: Pick<StreamSettings, "seed" | "feedback" | "noisePlace">,
  ): FlowStart {
    const noise = wanderingNoise(BigInt(seed), noisePlace, latentSize(empty.shape));
    const last = this.#last;
    this.#isFresh = last === null || feedback === 0;
    if (last === null || feedback === 0) return { latent: empty, noise, strength: 1 };
    return { latent: { ...empty, samples: last }, noise, strength: 1 - feedback };
  }

  /**
   * Keeps a latent for the next start. Its root mean square is limited to that of the latest one from noise alone: errors
   * of the network would otherwise add up from picture to picture. One that is not finite is dropped.
   */
  keep(samples: Float32Array): void {
    const rms = rootMeanSquare(samples);
    if (!Number.isFinite(rms)) {
      this.#last = null;
      return;
    }
    if (this.#isFresh) this.#freshRms = rms;
    this.#last =
      rms <= this.#freshRms
        ? samples
        : combine(new Float32Array(samples.length), [this.#freshRms / rms, samples]);
  }
}

function rootMeanSquare(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum / values.length);
}
