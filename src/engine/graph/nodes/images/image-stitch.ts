/** ImageStitch: puts two pictures side by side, or one above the other. */
import { repeatedTo } from "../../image/batches.ts";
import { withChannels } from "../../image/channels.ts";
import type { ImageValue } from "../../image/graph-value.ts";
import { BATCH, COLUMNS, type ImageMath, ROWS } from "../../image/image-math.ts";
import { resize } from "../../image/resample.ts";
import { choice, int, link, toggle } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

const COLOURS: Readonly<Record<string, readonly number[]>> = {
  white: [1, 1, 1],
  black: [0, 0, 0],
  red: [1, 0, 0],
  green: [0, 1, 0],
  blue: [0, 0, 1],
};

export const ImageStitch: NodeClass = {
  name: "ImageStitch",
  category: "image",
  inputs: {
    image1: link("IMAGE"),
    direction: choice(["right", "down", "left", "up"], "right"),
    match_image_size: toggle(true),
    spacing_width: int({ default: 0, min: 0, max: 1024, step: 2 }),
    spacing_color: choice(["white", "black", "red", "green", "blue"], "white"),
  },
  optional: {
    image2: link("IMAGE"),
  },
  outputs: ["IMAGE"],
  fragment(inputs, math) {
    const given = inputs.image("image1");
    const added = inputs.optionalImage("image2");
    if (added === null) return [given];
    const direction = inputs.word("direction");
    const isRow = direction === "left" || direction === "right";
    const colourName = inputs.word("spacing_color");
    const colour = COLOURS[colourName] ?? [0, 0, 0];
    const batch = Math.max(given.batch, added.batch);
    const [first, second] = [lengthened(math, given, batch), lengthened(math, added, batch)];
    // Where sizes do not match, only black and white fill the rest; colours leave it black.
    const level = colourName === "white" ? 1 : 0;
    const [height, width] = [
      Math.max(first.height, second.height),
      Math.max(first.width, second.width),
    ];
    const across = (image: ImageValue) =>
      padded(
        math,
        image,
        isRow ? { width: image.width, height } : { width, height: image.height },
        level,
      );
    const pair = inputs.flag("match_image_size")
      ? [first, matched(math, second, first, isRow)]
      : [across(first), across(second)];
    const images = pair.filter((image) => image !== null);
    if (images.length < pair.length) {
      throw inputs.refusal("image2", "is too narrow to match the first picture");
    }
    const channels = Math.max(...images.map((image) => image.channels));
    const parts = images.map((image) => withChannels(math, image, channels));
    if (direction === "left" || direction === "up") parts.reverse();
    const [one, other] = parts as [ImageValue, ImageValue];
    const spacing = inputs.number("spacing_width");
    const gap = spacing + (spacing % 2);
    const between = isRow
      ? { batch, channels, height: one.height, width: gap }
      : { batch, channels, height: gap, width: one.width };
    const strip = gap === 0 ? [] : [math.filled(between, ...[...colour, 1].slice(0, channels))];
    const row = [one, ...strip, other];
    const value = math.concat(isRow ? COLUMNS : ROWS, ...row.map((image) => image.value));
    const length = (side: "width" | "height") => row.reduce((sum, image) => sum + image[side], 0);
    return [
      math.image(value, one, isRow ? { width: length("width") } : { height: length("height") }),
    ];
  },
};

/** A batch of `batch` pictures: the last one is repeated. */
function lengthened(math: ImageMath, image: ImageValue, batch: number): ImageValue {
  if (image.batch === batch) return image;
  const last = math.slice(image.value, BATCH, image.batch - 1, image.batch);
  const more = repeatedTo(math, math.image(last, image, { batch: 1 }), batch - image.batch);
  return math.image(math.concat(BATCH, image.value, more.value), image, { batch });
}

/** In the size of `like` across the seam; its length along the seam follows its aspect. */
function matched(math: ImageMath, image: ImageValue, like: ImageValue, isRow: boolean) {
  const aspect = image.width / image.height;
  const to = isRow
    ? { height: like.height, width: Math.trunc(like.height * aspect) }
    : { width: like.width, height: Math.trunc(like.width / aspect) };
  if (to.width < 1 || to.height < 1) return null;
  return resize(math, image, to, { method: "lanczos", crop: "disabled" });
}

/** Centred on `level`, in the greater of both sizes across the seam. */
function padded(
  math: ImageMath,
  image: ImageValue,
  { width, height }: { readonly width: number; readonly height: number },
  level: number,
): ImageValue {
  const [more, wider] = [height - image.height, width - image.width];
  if (more === 0 && wider === 0) return image;
  const rows = [Math.floor(more / 2), Math.ceil(more / 2)] as const;
  const columns = [Math.floor(wider / 2), Math.ceil(wider / 2)] as const;
  const value = math.pad(image.value, rows, columns, { dims: 4, with: level });
  return math.image(value, image, { width, height });
}
