/** A latent as nodes pass it on, and the noise that a run on it starts from. */
import { WorkerError } from "../../../errors.ts";
import { seededNoise } from "../../random/seeded-noise.ts";
import { TorchGenerator } from "../../random/torch-noise.ts";

/** Batch, channels, height, width. */
export type LatentShape = readonly [batch: number, channels: number, height: number, width: number];

/** Pixels a side that one place of a latent stands for. */
export const LATENT_PLACE = 8;

/** Numbers that are drawn before those of a picture: half a second's work. */
const MAX_DRAWN = 2 ** 24;

/** A mask of values 0 (kept) to 1 (sampled anew), of any size, one for all pictures or one each. */
export interface NoiseMask {
  readonly values: Float32Array;
  readonly batch: number;
  readonly height: number;
  readonly width: number;
}

export interface Latent {
  /** Row-major, of `shape`. */
  readonly samples: Float32Array;
  readonly shape: LatentShape;
  readonly noiseMask?: NoiseMask | undefined;
  /** Which pictures of a larger batch these are; their noise is the one that they would have in it. */
  readonly batchIndex?: readonly number[] | undefined;
}

/** A latent as a VAE gives it. */
export interface EncodedLatent extends Latent {
  /** Of the distribution whose mean `samples` are; absent where the VAE gives the latent itself. */
  readonly deviation?: Float32Array;
  /** It stands for no picture: the run begins with noise alone. */
  readonly isBlank?: true;
}

export function latentSize([batch, channels, height, width]: LatentShape): number {
  return batch * channels * height * width;
}

/**
 * The noise of a run: one draw of the latent's shape. With a batch index, one draw for each picture from 0 to the
 * highest wanted, of which the wanted ones are taken. Not to be changed: other runs may get the same array.
 */
export function startNoise(seed: bigint, latent: Latent): Float32Array {
  if (latent.batchIndex === undefined) return seededNoise(seed, latentSize(latent.shape));
  return drawStartNoise(new TorchGenerator(seed), latent);
}

/** The same from a generator, which then is where that noise ends. */
export function drawStartNoise(
  generator: TorchGenerator,
  { shape, batchIndex }: Latent,
): Float32Array {
  const size = latentSize(shape);
  if (batchIndex === undefined) return generator.randn(size);
  const pictureSize = size / shape[0];
  const highest = Math.max(...batchIndex);
  if (highest * pictureSize > MAX_DRAWN) {
    const problem = `the noise of picture ${highest} of a batch takes that of all before it`;
    throw new WorkerError("invalid_request", `${problem}: use a smaller batch or smaller pictures`);
  }
  const noise = new Float32Array(size);
  const picture = new Float32Array(pictureSize);
  for (let drawn = 0; drawn <= highest; drawn++) {
    generator.fill(picture);
    for (const [place, index] of batchIndex.entries()) {
      if (index === drawn) noise.set(picture, place * pictureSize);
    }
  }
  return noise;
}
