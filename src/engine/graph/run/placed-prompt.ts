/** Prepares the prompts of a sampling run: where in the latent each counts and how much, and at which sigmas. */
import { WorkerError } from "../../../errors.ts";
import type { PictureSizes } from "../../diffusion/row-groups.ts";
import { LATENT_PLACE, type LatentShape } from "../../diffusion/sampler/latent.ts";
import { maskForLatent } from "../../diffusion/sampler/noise-mask.ts";
import type { SigmaTable } from "../../diffusion/schedule/sigma-table.ts";
import type { Conditioning } from "../../diffusion/text/conditioning.ts";
import type { ConditioningPart, ControlChain, LatentArea } from "./values.ts";

/** A prompt with its place in latents of one shape. */
export interface PlacedPrompt {
  readonly conditioning: Conditioning;
  /** Inside the latent. */
  readonly area: LatentArea;
  /** How much each number of the area counts, [height, width] of it; one for all channels, for each picture if `batch` is not 1. */
  readonly weights: Float32Array;
  readonly batch: number;
  readonly control: ControlChain | null;
  readonly sizes: PictureSizes;
  /** Evaluated at sigmas from `start` down to `end`. */
  readonly start: number;
  readonly end: number;
}

/** What ComfyUI tells SDXL where no node does. */
const XL_SIZES: PictureSizes = [768, 768, 0, 0, 768, 768];
/** Places that an area fades over at its inner edges. */
const FUZZ = 8;
/** The smallest side of an area around a mask. */
const MIN_MASK_SIDE = 8;

export function placePrompt(
  part: ConditioningPart,
  shape: LatentShape,
  table: SigmaTable,
): PlacedPrompt {
  const [batch, channels, height, width] = shape;
  const plane = height * width;
  const resized = part.mask && maskForLatent(part.mask.values, shape);
  // All channels of a mask are alike: the first is enough.
  const mask = resized && firstChannels(resized, batch, channels, plane);
  const area = inside(part.area ?? { y: 0, x: 0, height, width }, height, width);
  const copies = mask === undefined ? 1 : batch;
  const weights = new Float32Array(copies * area.height * area.width);
  const strength = part.strength * (part.mask?.strength ?? 1);
  for (let at = 0; at < weights.length; at++) {
    const x = at % area.width;
    const y = Math.floor(at / area.width) % area.height;
    const picture = Math.floor(at / (area.width * area.height));
    const from = picture * plane + (area.y + y) * width + area.x + x;
    weights[at] = (mask?.[from] ?? 1) * strength;
  }
  if (mask === undefined && part.area !== undefined) fade(weights, area, height, width);
  return {
    conditioning: part.conditioning,
    area,
    weights,
    batch: copies,
    control: part.control ?? null,
    sizes: part.sizes ?? XL_SIZES,
    start: part.range === null ? Number.POSITIVE_INFINITY : table.percentToSigma(part.range.start),
    end: part.range === null ? 0 : table.percentToSigma(part.range.end),
  };
}

/** The part with the rectangle around its mask as its area, where it is to be evaluated only there. */
export function withMaskBounds(part: ConditioningPart, shape: LatentShape): ConditioningPart {
  if (part.mask?.area !== "bounds") return part;
  const [batch, channels, height, width] = shape;
  const resized = maskForLatent(part.mask.values, shape);
  const mask = firstChannels(resized, batch, channels, height * width);
  return { ...part, area: boundsOf(mask, height, width) };
}

/** Each prompt with an area needs one on the other side: the texts there are evaluated in the same area, too. */
export function withOpposites(
  parts: readonly ConditioningPart[],
  others: readonly ConditioningPart[],
): readonly ConditioningPart[] {
  const all = [...parts];
  for (const other of others) {
    const { area } = other;
    if (area === undefined) continue;
    const nearest = smallestAround(area, all);
    if (nearest === undefined) continue;
    if (nearest.area === undefined || !isEqual(nearest.area, area)) {
      const { conditioning, sizes } = nearest;
      all.push({ ...other, conditioning, ...(sizes && { sizes }) });
    }
  }
  return all;
}

/** The part with the smallest area that encloses this one; a part without an area only if there is no other. */
function smallestAround(
  area: LatentArea,
  parts: readonly ConditioningPart[],
): ConditioningPart | undefined {
  let smallest: ConditioningPart | undefined;
  for (const part of parts) {
    if (part.area === undefined) smallest ??= part;
    else if (encloses(part.area, area)) {
      const isSmaller =
        smallest?.area === undefined ||
        smallest.area.height * smallest.area.width > part.area.height * part.area.width;
      if (isSmaller) smallest = part;
    }
  }
  return smallest;
}

const encloses = (outer: LatentArea, inner: LatentArea): boolean =>
  inner.y >= outer.y &&
  inner.x >= outer.x &&
  inner.y + inner.height <= outer.y + outer.height &&
  inner.x + inner.width <= outer.x + outer.width;

const isEqual = (a: LatentArea, b: LatentArea): boolean => encloses(a, b) && encloses(b, a);

function firstChannels(
  values: Float32Array,
  batch: number,
  channels: number,
  plane: number,
): Float32Array {
  const first = new Float32Array(batch * plane);
  for (let picture = 0; picture < batch; picture++) {
    const start = picture * channels * plane;
    first.set(values.subarray(start, start + plane), picture * plane);
  }
  return first;
}

/** Cuts an area to what lies in the latent; at least one place. */
function inside({ y, x, ...area }: LatentArea, height: number, width: number): LatentArea {
  if (y >= height || x >= width) {
    const begin = `x ${x * LATENT_PLACE} and y ${y * LATENT_PLACE}`;
    const size = `${width * LATENT_PLACE}x${height * LATENT_PLACE}`;
    const problem = `the area of a prompt begins at ${begin}, outside of the picture of ${size} pixels`;
    throw new WorkerError("invalid_request", `${problem}: give it a smaller x and y`);
  }
  return {
    y,
    x,
    height: Math.max(1, Math.min(area.height, height - y)),
    width: Math.max(1, Math.min(area.width, width - x)),
  };
}

/** The rectangle around all places of a mask that are not 0. */
function boundsOf(mask: Float32Array, height: number, width: number): LatentArea {
  let [top, left, bottom, right] = [height, width, -1, -1];
  for (const [at, value] of mask.entries()) {
    if (value === 0) continue;
    const place = at % (height * width);
    const [y, x] = [Math.floor(place / width), place % width];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    [left, right] = [Math.min(left, x), Math.max(right, x)];
  }
  const isEmpty = bottom < 0;
  return {
    y: isEmpty ? 0 : top,
    x: isEmpty ? 0 : left,
    height: Math.max(MIN_MASK_SIDE, isEmpty ? 0 : bottom - top + 1),
    width: Math.max(MIN_MASK_SIDE, isEmpty ? 0 : right - left + 1),
  };
}

/** Makes the weights rise from the edges of an area that are not edges of the latent. */
function fade(weights: Float32Array, area: LatentArea, height: number, width: number): void {
  const rows = Math.min(FUZZ, Math.floor(area.height / 4));
  const columns = Math.min(FUZZ, Math.floor(area.width / 4));
  for (let at = 0; at < weights.length; at++) {
    const y = Math.floor(at / area.width);
    const x = at % area.width;
    const fromBottom = area.height - 1 - y;
    const fromRight = area.width - 1 - x;
    let factor = 1;
    if (area.y > 0 && y < rows) factor *= (y + 1) / rows;
    if (area.y + area.height < height && fromBottom < rows) factor *= (fromBottom + 1) / rows;
    if (area.x > 0 && x < columns) factor *= (x + 1) / columns;
    if (area.x + area.width < width && fromRight < columns) factor *= (fromRight + 1) / columns;
    weights[at] = (weights[at] as number) * factor;
  }
}
