/** Crops planes as ComfyUI's nodes do, and resizes them as torch's `interpolate` (no antialiasing, `align_corners=False`). */
import { cropMargin } from "../image/resample.ts";
import { kernelFor } from "../image/resample-taps.ts";
import { bislerp } from "./bislerp.ts";
import {
  areaTaps,
  bicubicTaps,
  bilinearTaps,
  nearestTaps,
  type PlaneSize,
  type Planes,
  type Taps,
} from "./taps.ts";

export type ResizeMethod = "nearest-exact" | "bilinear" | "area" | "bicubic" | "bislerp";

const TAPS: Readonly<
  Record<Exclude<ResizeMethod, "bislerp" | "nearest-exact">, (from: number, to: number) => Taps>
> = { bilinear: bilinearTaps, area: areaTaps, bicubic: bicubicTaps };

export function resize(planes: Planes, { width, height }: PlaneSize, method: ResizeMethod): Planes {
  const [, , oldHeight, oldWidth] = planes.shape;
  if (method === "bislerp") return bislerp(planes, { width, height });
  const taps =
    method === "nearest-exact" ? nearestTaps(kernelFor({ width, height }, false)) : TAPS[method];
  return resizeColumns(resizeRows(planes, taps(oldHeight, height)), taps(oldWidth, width));
}

/** ComfyUI's `common_upscale`: "center" cuts what the new shape does not show, by Python's rounding. */
export function resizeCropped(
  planes: Planes,
  size: PlaneSize,
  method: ResizeMethod,
  crop: string,
): Planes {
  return resize(crop === "center" ? centered(planes, size) : planes, size, method);
}

function centered(planes: Planes, { width, height }: PlaneSize): Planes {
  const [, , oldHeight, oldWidth] = planes.shape;
  const oldAspect = oldWidth / oldHeight;
  const aspect = width / height;
  const x = oldAspect > aspect ? cropMargin(oldWidth, aspect / oldAspect) : 0;
  const y = oldAspect < aspect ? cropMargin(oldHeight, oldAspect / aspect) : 0;
  return cut(planes, { x, y, width: oldWidth - 2 * x, height: oldHeight - 2 * y });
}

/** A rectangle of all planes. */
export function cut(
  { values, shape }: Planes,
  { x, y, width, height }: PlaneSize & { readonly x: number; readonly y: number },
): Planes {
  const [batch, channels, oldHeight, oldWidth] = shape;
  const result = new Float32Array(batch * channels * height * width);
  for (let row = 0; row < batch * channels * height; row++) {
    const plane = Math.floor(row / height);
    const start = (plane * oldHeight + y + (row % height)) * oldWidth + x;
    result.set(values.subarray(start, start + width), row * width);
  }
  return { values: result, shape: [batch, channels, height, width] };
}

function resizeRows({ values, shape }: Planes, taps: Taps): Planes {
  const [batch, channels, height, width] = shape;
  const result = new Float32Array(batch * channels * taps.length * width);
  for (let plane = 0; plane < batch * channels; plane++) {
    for (const [y, { at, weights }] of taps.entries()) {
      const to = (plane * taps.length + y) * width;
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let tap = 0; tap < at.length; tap++) {
          const from = (plane * height + (at[tap] as number)) * width + x;
          sum += (values[from] as number) * (weights[tap] as number);
        }
        result[to + x] = sum;
      }
    }
  }
  return { values: result, shape: [batch, channels, taps.length, width] };
}

function resizeColumns({ values, shape }: Planes, taps: Taps): Planes {
  const [batch, channels, height, width] = shape;
  const result = new Float32Array(batch * channels * height * taps.length);
  for (let row = 0; row < batch * channels * height; row++) {
    for (const [x, { at, weights }] of taps.entries()) {
      let sum = 0;
      for (let tap = 0; tap < at.length; tap++) {
        sum += (values[row * width + (at[tap] as number)] as number) * (weights[tap] as number);
      }
      result[row * taps.length + x] = sum;
    }
  }
  return { values: result, shape: [batch, channels, height, taps.length] };
}
