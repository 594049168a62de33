/** Lets pictures without video flow: each starts from the latent of the one before, under noise that changes gradually. */
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
  /** Root mean square of the first latent, which was drawn from noise alone. */
  #loudness = 0;

  /** `empty`: a latent of zeros, always of the same size. Without feedback, and at first, the run starts from it. */
  start(
    empty: Latent,
    { seed, feedback, noisePlace }: Pick<StreamSettings, "seed" | "feedback" | "noisePlace">,
  ): FlowStart {
    const noise = wanderingNoise(BigInt(seed), noisePlace, latentSize(empty.shape));
    const last = this.#last;
    if (last === null || feedback === 0) return { latent: empty, noise, strength: 1 };
    return { latent: { ...empty, samples: last }, noise, strength: 1 - feedback };
  }

  /**
   * Keeps a latent for the next start. One that is louder than the first is made as loud: what a network gets wrong would
   * otherwise grow from picture to picture.
   */
  keep(samples: Float32Array): void {
    const loudness = rootMeanSquare(samples);
    if (this.#loudness === 0) this.#loudness = loudness;
    const factor = loudness > this.#loudness ? this.#loudness / loudness : 1;
    this.#last =
      factor === 1 ? samples : combine(new Float32Array(samples.length), [factor, samples]);
  }
}

function rootMeanSquare(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum / values.length);
}
