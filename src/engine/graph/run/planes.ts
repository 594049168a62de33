/** Moves the places of planes, and lays planes over others. */
import type { PlaneSize, Planes } from "./taps.ts";

/** Planes of another size whose place (y, x) is the place that `source` returns of the old ones. */
export function remapped(
  { values, shape }: Planes,
  { width, height }: PlaneSize,
  source: (y: number, x: number) => readonly [y: number, x: number],
): Planes {
  const [batch, channels, oldHeight, oldWidth] = shape;
  const size = width * height;
  const result = new Float32Array(batch * channels * size);
  for (let at = 0; at < size; at++) {
    const [y, x] = source(Math.floor(at / width), at % width);
    for (let plane = 0; plane < batch * channels; plane++) {
      result[plane * size + at] = values[(plane * oldHeight + y) * oldWidth + x] as number;
    }
  }
  return { values: result, shape: [batch, channels, height, width] };
}

/** `over` on `under` from (y, x) on: `over·weight + under·(1 − weight)`, as far as it lies inside. Both of one batch. */
export function pasted(
  under: Planes,
  over: Planes,
  { x: left, y: top }: { readonly x: number; readonly y: number },
  weightAt: (picture: number, y: number, x: number) => number,
): Planes {
  const [batch, channels, height, width] = under.shape;
  const [, , overHeight, overWidth] = over.shape;
  const values = under.values.slice();
  for (let plane = 0; plane < batch * channels; plane++) {
    const picture = Math.floor(plane / channels);
    for (let y = 0; y < Math.min(overHeight, height - top); y++) {
      for (let x = 0; x < Math.min(overWidth, width - left); x++) {
        const to = (plane * height + top + y) * width + left + x;
        const weight = weightAt(picture, y, x);
        const from = over.values[(plane * overHeight + y) * overWidth + x] as number;
        values[to] = from * weight + (values[to] as number) * (1 - weight);
      }
    }
  }
  return { values, shape: under.shape };
}
