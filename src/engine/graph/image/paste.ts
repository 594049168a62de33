/** Pastes one picture into another. */
import type { ImageValue } from "./graph-value.ts";
import { COLUMNS, type ImageMath, ROWS } from "./image-math.ts";

/** Puts `patch` into `base` at this place. Both have the same batch and channels, and the patch lies within. */
export function pasted(
  math: ImageMath,
  base: ImageValue,
  patch: ImageValue,
  { x, y }: { readonly x: number; readonly y: number },
): ImageValue {
  const [right, bottom] = [x + patch.width, y + patch.height];
  const beside = (from: number, to: number) =>
    from === to ? [] : [math.window(base.value, [y, bottom], [from, to])];
  const band = [...beside(0, x), patch.value, ...beside(right, base.width)];
  const beyond = (from: number, to: number) =>
    from === to ? [] : [math.slice(base.value, ROWS, from, to)];
  const rows = [...beyond(0, y), math.concat(COLUMNS, ...band), ...beyond(bottom, base.height)];
  return math.image(math.concat(ROWS, ...rows), base);
}
