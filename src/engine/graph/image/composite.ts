/** Computes ImageCompositeMasked. */
import { repeatedTo } from "./batches.ts";
import { fittedMask, withChannels } from "./channels.ts";
import type { ImageValue } from "./graph-value.ts";
import { COLUMNS, type ImageMath, ROWS } from "./image-math.ts";
import type { Fragments } from "./node-inputs.ts";
import { resize } from "./resample.ts";

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

export const COMPOSITE_FRAGMENTS: Fragments = {
  /** The mask, in the size of the source, says where the source covers the destination. */
  ImageCompositeMasked(inputs, math) {
    const base = inputs.image("destination");
    const given = withChannels(math, inputs.image("source"), base.channels);
    const to = inputs.flag("resize_source") ? base : given;
    const source = repeatedTo(
      math,
      resize(math, given, to, { method: "bilinear", crop: "disabled" }),
      base.batch,
    );
    const mask = inputs.optionalMask("mask");
    const [x, y] = [inputs.number("x"), inputs.number("y")];
    const width = Math.min(source.width, base.width - x);
    const height = Math.min(source.height, base.height - y);
    if (width <= 0 || height <= 0) return [base];
    const size = { width, height };
    const visible = (image: ImageValue): ImageValue =>
      math.image(math.window(image.value, [0, height], [0, width]), image, size);
    const above = visible(source);
    if (mask === null) return [pasted(math, base, above, { x, y })];
    const cover = visible(repeatedTo(math, fittedMask(math, mask, source), base.batch)).value;
    const below = math.window(base.value, [y, y + height], [x, x + width]);
    const mixed = math.add(math.mul(cover, above.value), math.mul(math.sub(1, cover), below));
    return [pasted(math, base, math.image(mixed, above), { x, y })];
  },
};
