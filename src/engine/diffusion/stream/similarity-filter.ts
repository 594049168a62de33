/** Decides which frames of a stream are skipped because they resemble the last one that was drawn. */
import type { StillPicture } from "../../models/roles/role.ts";
import { MersenneTwister } from "../../random/mersenne-twister.ts";

/** Frames in a row that are skipped at most. */
const MOST_SKIPS = 10;

/** Frames are compared at this many points a side, at most. */
const GRID = 64;

/**
 * StreamDiffusion's stochastic similarity filter (Kodaira et al. 2023): the probability that a frame is skipped rises
 * from 0, where its cosine similarity to the last drawn frame is the threshold, to 1 for the same frame. Frames are
 * compared at a grid of pixels, as values from −1 to 1. The same frames and seed give the same decisions.
 */
export class SimilarityFilter {
  readonly #random: MersenneTwister;
  #drawn: Float32Array | null = null;
  #skips = 0;

  constructor(seed: number) {
    this.#random = new MersenneTwister(seed);
  }

  /** Takes the next frame as drawn, whatever it looks like. */
  reset(): void {
    this.#drawn = null;
  }

  /**
   * True for a frame that may be skipped. Any other one becomes the one that the next are compared with.
   *
   * @param threshold above 0; 1 or more skips nothing
   */
  skips(frame: StillPicture, threshold: number): boolean {
    const samples = sampled(frame);
    const drawn = this.#drawn;
    const chance = this.#random.next() / 2 ** 32;
    if (drawn !== null && drawn.length === samples.length && this.#skips < MOST_SKIPS) {
      const probability =
        threshold < 1 ? 1 - (1 - cosineSimilarity(drawn, samples)) / (1 - threshold) : 0;
      if (probability > chance) {
        this.#skips++;
        return true;
      }
    }
    this.#drawn = samples;
    this.#skips = 0;
    return false;
  }
}

/** All channels at a grid of pixels, from −1 to 1. */
function sampled({ data, width, height }: StillPicture): Float32Array {
  const [columns, rows] = [Math.min(GRID, width), Math.min(GRID, height)];
  const samples = new Float32Array(3 * rows * columns);
  let at = 0;
  for (let channel = 0; channel < 3; channel++) {
    for (let row = 0; row < rows; row++) {
      const y = Math.floor(((row + 0.5) * height) / rows);
      const start = (channel * height + y) * width;
      for (let column = 0; column < columns; column++) {
        const x = Math.floor(((column + 0.5) * width) / columns);
        samples[at++] = (data[start + x] as number) / 127.5 - 1;
      }
    }
  }
  return samples;
}

function cosineSimilarity(a: Float32Array, b: Float32Array): number {
  let [dot, squareA, squareB] = [0, 0, 0];
  for (let at = 0; at < a.length; at++) {
    const [x, y] = [a[at] as number, b[at] as number];
    dot += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  const lengths = Math.sqrt(squareA * squareB);
  return lengths > 0 ? dot / lengths : Number(squareA === squareB);
}
