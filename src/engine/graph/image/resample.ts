/** Resizes pictures as ComfyUI's `common_upscale` does: by torch's `interpolate`, and by Pillow for lanczos. */
import { roundHalfToEven } from "../../diffusion/schedule/python-numbers.ts";
import type { Value } from "../../models/graph-builder.ts";
import type { ImageValue } from "./graph-value.ts";
import { COLUMNS, type ImageMath, ROWS } from "./image-math.ts";
import { divided, multiplied } from "./pillow-alpha.ts";
import {
  areaTaps,
  bicubic,
  bilinear,
  type Interpolation,
  isDownFirst,
  type Kernel,
  kernelFor,
  LANCZOS_BITS,
  lanczosTaps,
  nearestExact,
  type Taps,
} from "./resample-taps.ts";

export interface TargetSize {
  readonly width: number;
  readonly height: number;
}

/** As graphs name them; `method` is one of nearest-exact, bilinear, area, bicubic and lanczos. */
export interface ResizeOptions {
  readonly method: string;
  /** `center` crops to the aspect of the target first; `disabled` stretches. */
  readonly crop: string;
}

/** The picture in exactly the size `to`. */
export function resize(
  math: ImageMath,
  image: ImageValue,
  { width, height }: TargetSize,
  { method, crop }: ResizeOptions,
): ImageValue {
  const to = { width, height }; // a picture given as the target has a batch of its own
  const from = crop === "center" ? centred(math, image, to) : image;
  if (method === "lanczos") return lanczos(math, from, to);
  // Every other method gives a picture of the same size unchanged.
  if (from.width === to.width && from.height === to.height) return from;
  if (method === "area") return area(math, from, to);
  const isWhole = from === image; // torch sees a crop as a picture whose samples do not lie together
  const kernel = kernelFor(to, isWhole && image.channels > 3);
  const interpolation = interpolations(kernel)[method];
  if (interpolation === undefined) throw new Error(`there is no method ${method}`);
  const across = resizeColumns(math, from, interpolation(from.width, to.width));
  if (from.height === to.height) return across;
  const down = interpolate(math, across.value, interpolation(from.height, to.height));
  return math.image(down, from, to);
}

function resizeColumns(math: ImageMath, image: ImageValue, columns: Interpolation): ImageValue {
  const width = columns.base.length;
  if (width === image.width) return image;
  if (columns.others.length > 0) {
    return changeColumns(math, image, width, (rows) => interpolate(math, rows, columns));
  }
  return math.image(math.gather(image.value, COLUMNS, columns.base), image, { width });
}

const interpolations = (
  kernel: Kernel,
): Readonly<Record<string, (from: number, to: number) => Interpolation>> => ({
  "nearest-exact": nearestExact(kernel),
  bilinear,
  bicubic,
});

/**
 * Changes columns by a function that changes rows. The picture is turned over before and after: the samples of a column lie
 * together then, where gathering and weighing take a third to a seventh of the time.
 */
function changeColumns(
  math: ImageMath,
  image: ImageValue,
  width: number,
  change: (rows: Value) => Value,
): ImageValue {
  return turnedBack(math, change(turned(math, image)), image, width);
}

/** `[1, width, channels, batch · height]` */
function turned(math: ImageMath, { value, batch, height, width, channels }: ImageValue): Value {
  const rows = math.reshape(value, 1, batch * height, width, channels);
  return math.graph.transpose(rows, 0, 2, 3, 1);
}

function turnedBack(math: ImageMath, columns: Value, like: ImageValue, width: number): ImageValue {
  const { batch, height, channels } = like;
  const rows = math.graph.transpose(columns, 0, 3, 1, 2);
  return math.image(math.reshape(rows, batch, height, width, channels), like, { width });
}

/** Rows between those of a picture. */
function interpolate(math: ImageMath, of: Value, { base, others }: Interpolation): Value {
  const centre = math.gather(of, ROWS, base);
  if (others.length === 0) return centre;
  const changes = others.map(({ indices, weights }) => {
    const change = math.sub(math.gather(of, ROWS, indices), centre);
    return weights === null ? change : math.mul(change, math.along(ROWS, weights));
  });
  return math.add(math.sum(changes), centre);
}

/** What is cut from each end of a side of which this share is shown; something is always left. */
export const cropMargin = (side: number, share: number): number =>
  Math.min(roundHalfToEven((side - side * share) / 2), Math.floor((side - 1) / 2));

/** Crops from both sides to the aspect of `to`. */
function centred(math: ImageMath, image: ImageValue, to: TargetSize): ImageValue {
  const { width, height } = image;
  const [aspect, wanted] = [width / height, to.width / to.height];
  const x = aspect > wanted ? cropMargin(width, wanted / aspect) : 0;
  const y = aspect < wanted ? cropMargin(height, aspect / wanted) : 0;
  if (x === 0 && y === 0) return image;
  const cropped = math.window(image.value, [y, height - y], [x, width - x]);
  return math.image(cropped, image, { width: width - 2 * x, height: height - 2 * y });
}

/** The weighted sum of rows. */
function combine(
  math: ImageMath,
  of: Value,
  taps: Taps,
  dtype: "float32" | "float64" = "float32",
): Value {
  const terms = taps.map(({ indices, weights }) => {
    const samples = math.gather(of, ROWS, indices);
    return weights === null ? samples : math.mul(samples, math.along(ROWS, weights, dtype));
  });
  return math.sum(terms);
}

/** Above this number of samples, sums along rows and columns one after the other cost fewer nodes. */
const MAX_WINDOW = 64;

/** Windows are summed row by row, as torch does it, and the sums divided. */
function area(math: ImageMath, image: ImageValue, to: TargetSize): ImageValue {
  const rows = areaTaps(image.height, to.height);
  const columns = areaTaps(image.width, to.width);
  const counts = math.mul(math.along(ROWS, rows.counts), math.along(COLUMNS, columns.counts));
  const sumOf = (): ImageValue => {
    if (rows.taps.length * columns.taps.length > MAX_WINDOW) {
      const across = changeColumns(math, image, to.width, (all) =>
        combine(math, all, columns.taps),
      );
      return math.image(combine(math, across.value, rows.taps), across, to);
    }
    const lines = rows.taps.map((row) =>
      math.image(combine(math, image.value, [row]), image, { height: to.height }),
    );
    const terms = lines.flatMap((line) => {
      const over = turned(math, line);
      return columns.taps.map((column) => combine(math, over, [column]));
    });
    return turnedBack(math, math.sum(terms), { ...image, height: to.height }, to.width);
  };
  return math.image(math.div(sumOf().value, counts), image, to);
}

/**
 * Pillow resizes in two passes, each with whole weights and rounded to 8 bits. A float64 holds the sums exactly; ONNX
 * Runtime has no such operators for integers.
 */
function lanczos(math: ImageMath, image: ImageValue, to: TargetSize): ImageValue {
  const bytes = math.floor(math.clamp(math.mul(image.value, 255), 0, 255));
  const exact = math.image(math.graph.cast(bytes, "float64"), image);
  const isSameSize = image.width === to.width && image.height === to.height;
  const hasAlpha = image.channels === 4 && !isSameSize;
  const across = (from: ImageValue): ImageValue =>
    changeColumns(math, from, to.width, (rows) => lanczosPass(math, rows, from.width, to.width));
  const down = (from: ImageValue): ImageValue => {
    const rows = lanczosPass(math, from.value, from.height, to.height);
    return math.image(rows, from, { height: to.height });
  };
  const from = hasAlpha ? multiplied(math, exact) : exact;
  const resized = isDownFirst(image, to) ? across(down(from)) : down(across(from));
  const { value } = hasAlpha ? divided(math, resized) : resized;
  return math.image(math.div(math.graph.cast(value, "float32"), 255), image, to);
}

function lanczosPass(math: ImageMath, of: Value, from: number, to: number): Value {
  if (from === to) return of;
  const { graph } = math;
  const number = (value: number): Value => graph.constant("float64", [], [value]);
  const sum = combine(math, of, lanczosTaps(from, to), "float64");
  const half = graph.node("Add", [sum, number(2 ** (LANCZOS_BITS - 1))]);
  const shifted = graph.node("Floor", [graph.node("Mul", [half, number(2 ** -LANCZOS_BITS)])]);
  return graph.node("Clip", [shifted, number(0), number(255)]);
}
