/** Keeps a region of a latent while a sampler changes the rest ("inpainting"). */
import { bilinear } from "../../graph/image/resample-taps.ts";
import { combine } from "./combine.ts";
import { type LatentShape, latentSize, type NoiseMask } from "./latent.ts";
import type { Denoise, DenoisePair } from "./sampler.ts";

/**
 * The mask at a latent's size, repeated over channels and pictures. Bilinear between pixel centres and without
 * antialiasing, as torch's `interpolate` with `align_corners=False`.
 */
export function maskForLatent(mask: NoiseMask, shape: LatentShape): Float32Array {
  const [batch, channels, height, width] = shape;
  const values = new Float32Array(latentSize(shape));
  const planeSize = height * width;
  const rows = samplePoints(mask.height, height);
  const columns = samplePoints(mask.width, width);
  for (let picture = 0; picture < batch; picture++) {
    const source = (picture % mask.batch) * mask.height * mask.width;
    const start = picture * channels * planeSize;
    for (const [y, row] of rows.entries()) {
      for (const [x, column] of columns.entries()) {
        const at = (r: number, c: number): number =>
          mask.values[source + r * mask.width + c] as number;
        const upper =
          at(row.low, column.low) * (1 - column.share) + at(row.low, column.high) * column.share;
        const lower =
          at(row.high, column.low) * (1 - column.share) + at(row.high, column.high) * column.share;
        values[start + y * width + x] = upper * (1 - row.share) + lower * row.share;
      }
    }
    for (let channel = 1; channel < channels; channel++) {
      values.copyWithin(start + channel * planeSize, start, start + planeSize);
    }
  }
  return values;
}

interface SamplePoint {
  readonly low: number;
  readonly high: number;
  /** Weight of `high`. */
  readonly share: number;
}

function samplePoints(from: number, to: number): SamplePoint[] {
  const { base, others } = bilinear(from, to);
  return base.map((low, at) => ({
    low,
    high: others[0]?.indices[at] ?? low,
    share: others[0]?.weights?.[at] ?? 0,
  }));
}

/** What the kept region holds. All arrays are of the latent's size. */
export interface KeptRegion {
  /** 1 where the sampler works, 0 where the latent is kept. */
  readonly mask: Float32Array;
  readonly latent: Float32Array;
  /** Unit noise that is added to the kept region before each call. */
  readonly noise: Float32Array;
}

/**
 * A denoiser that sees the kept region at the right noise level and returns it unchanged: before each call
 * `x·m + (latent + noise·sigma)·(1 − m)`, after it `denoised·m + latent·(1 − m)`.
 */
export function keepRegion(denoise: Denoise, region: KeptRegion): Denoise {
  return async (x, sigma) =>
    blend(region.latent.slice(), await denoise(renoised(x, sigma, region), sigma), region.mask);
}

/** The same for both predictions; the negative one is left as it comes, as in ComfyUI. */
export function keepRegionOfPair(denoise: DenoisePair, region: KeptRegion): DenoisePair {
  return async (x, sigma) => {
    const { guided, negative } = await denoise(renoised(x, sigma, region), sigma);
    return { guided: blend(region.latent.slice(), guided, region.mask), negative };
  };
}

function renoised(x: Float32Array, sigma: number, region: KeptRegion): Float32Array {
  const { mask, latent, noise } = region;
  return blend(combine(new Float32Array(x.length), [1, latent], [sigma, noise]), x, mask);
}

/** Puts `over` on `under`, in place, as far as the mask lets it. */
function blend(under: Float32Array, over: Float32Array, mask: Float32Array): Float32Array {
  for (let i = 0; i < under.length; i++) {
    const share = mask[i] as number;
    under[i] = (over[i] as number) * share + (under[i] as number) * (1 - share);
  }
  return under;
}
