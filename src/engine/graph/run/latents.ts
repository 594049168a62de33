/** Works on batches of latents: planes, repetition, one latent fitted to another. */
import { WorkerError } from "../../../errors.ts";
import {
  LATENT_PLACE,
  type Latent,
  type LatentShape,
  type NoiseMask,
} from "../../diffusion/sampler/latent.ts";
import { type ResizeMethod, resizeCropped } from "./resize.ts";
import type { Planes } from "./taps.ts";

/** Of all pictures of a latent: one of 4096x4096, as large as streams may be, or 64 of 512x512. */
const MAX_PLACES = (4096 / LATENT_PLACE) ** 2;
const MAX_BATCH = 64;

/** The shape itself. Throws `invalid_request` for a latent that would be too large. */
export function checkedShape(shape: LatentShape): LatentShape {
  const [batch, , height, width] = shape;
  if (batch <= MAX_BATCH && batch * height * width <= MAX_PLACES) return shape;
  const [x, y] = [width * LATENT_PLACE, height * LATENT_PLACE];
  const problem = `would give latents of ${batch} pictures of ${x}x${y}`;
  throw new WorkerError(
    "invalid_request",
    `${problem}; at most ${MAX_BATCH}, and together one of 4096x4096, are allowed: choose smaller sides or a smaller batch`,
  );
}

export const planesOf = ({ samples, shape }: Latent): Planes => ({ values: samples, shape });

/** The latent with other samples: mask and batch index stay, as in ComfyUI's nodes. */
export const withPlanes = (latent: Latent, { values, shape }: Planes): Latent => ({
  ...latent,
  samples: values,
  shape,
});

/** Exactly `count` pictures: repeated from the first, or cut. */
export function repeatedTo({ values, shape }: Planes, count: number): Planes {
  const [batch, ...rest] = shape;
  if (batch === count) return { values, shape };
  const size = values.length / batch;
  const result = new Float32Array(count * size);
  for (let picture = 0; picture < count; picture++) {
    const start = (picture % batch) * size;
    result.set(values.subarray(start, start + size), picture * size);
  }
  return { values: result, shape: [count, ...rest] };
}

/** At the size of `target`, resized with the centre kept. */
export function fitted(
  planes: Planes,
  [, , height, width]: LatentShape,
  method: ResizeMethod,
): Planes {
  if (planes.shape[2] === height && planes.shape[3] === width) return planes;
  return resizeCropped(planes, { width, height }, method, "center");
}

/** Calculates with two latents place by place; the second is brought to the first one's shape. */
export function combined(
  first: Latent,
  second: Latent,
  method: ResizeMethod,
  operation: (a: number, b: number) => number,
): Latent {
  const other = repeatedTo(fitted(planesOf(second), first.shape, method), first.shape[0]);
  const samples = first.samples.map((value, at) => operation(value, other.values[at] as number));
  return { ...first, samples };
}

/** Pictures `start` to `start + count` of a batch. */
export function sliced({ values, shape }: Planes, start: number, count: number): Planes {
  const [batch, ...rest] = shape;
  const size = values.length / batch;
  return { values: values.slice(start * size, (start + count) * size), shape: [count, ...rest] };
}

/** One mask for each picture of a batch. */
export function maskPlanes({ values, batch, height, width }: NoiseMask): Planes {
  return { values, shape: [batch, 1, height, width] };
}

export function maskOf({ values, shape }: Planes): NoiseMask {
  const [batch, , height, width] = shape;
  return { values, batch, height, width };
}

/** Which pictures of a larger batch these are; without a note, the first ones. */
export const indexOf = ({ batchIndex, shape }: Latent): readonly number[] =>
  batchIndex ?? Array.from({ length: shape[0] }, (_, at) => at);
