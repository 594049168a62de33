/** Resizes pictures as ComfyUI's `common_upscale` does: by torch's `interpolate`, and by Pillow for lanczos. */
import { roundHalfToEven } from "../../diffusion/schedule/python-numbers.ts";
import type { Value } from "../../models/graph-builder.ts";
import type { ImageValue } from "./graph-value.ts";
import { COLUMNS, type ImageMath, ROWS } from "./image-math.ts";
import {
  areaTaps,
  bicubic,
  bilinear,
  type Interpolation,
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
  to: TargetSize,
  { method, crop }: ResizeOptions,
): ImageValue {
  const from = crop === "center" ? centred(math, image, to) : image;
  if (method === "lanczos") return lanczos(math, from, to);
  // Every other method gives a picture of the same size unchanged.
  if (from.width === to.width && from.height === to.height) return from;
  if (method === "area") return area(math, from, to);
  const interpolation = INTERPOLATIONS[method];
  if (interpolation === undefined) throw new Error(`there is no method ${method}`);
  const across = interpolate(math, from.value, COLUMNS, interpolation(from.width, to.width));
  const down = interpolate(math, across, ROWS, interpolation(from.height, to.height));
  return math.image(down, from, to);
}

const INTERPOLATIONS: Readonly<Record<string, (from: number, to: number) => Interpolation>> = {
  "nearest-exact": nearestExact,
  bilinear,
  bicubic,
};

function interpolate(
  math: ImageMath,
  of: Value,
  axis: number,
  { base, others }: Interpolation,
): Value {
  const centre = math.gather(of, axis, base);
  if (others.length === 0) return centre;
  const changes = others.map(({ indices, weights }) => {
    const change = math.sub(math.gather(of, axis, indices), centre);
    return weights === null ? change : math.mul(change, math.along(axis, weights));
  });
  return math.add(math.sum(changes), centre);
}

/** Crops from both sides to the aspect of `to`. */
function centred(math: ImageMath, image: ImageValue, to: TargetSize): ImageValue {
  const { width, height } = image;
  const [aspect, wanted] = [width / height, to.width / to.height];
  const x = aspect > wanted ? roundHalfToEven((width - width * (wanted / aspect)) / 2) : 0;
  const y = aspect < wanted ? roundHalfToEven((height - height * (aspect / wanted)) / 2) : 0;
  if (x === 0 && y === 0) return image;
  const cropped = math.window(image.value, [y, height - y], [x, width - x]);
  return math.image(cropped, image, { width: width - 2 * x, height: height - 2 * y });
}

/** The weighted sum of source samples along one dimension. */
function combine(
  math: ImageMath,
  of: Value,
  axis: number,
  taps: Taps,
  dtype: "float32" | "float64" = "float32",
): Value {
  const terms = taps.map(({ indices, weights }) => {
    const samples = math.gather(of, axis, indices);
    return weights === null ? samples : math.mul(samples, math.along(axis, weights, dtype));
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
  const sum =
    rows.taps.length * columns.taps.length > MAX_WINDOW
      ? combine(math, combine(math, image.value, COLUMNS, columns.taps), ROWS, rows.taps)
      : math.sum(
          rows.taps.flatMap((row) => {
            const line = combine(math, image.value, ROWS, [row]);
            return columns.taps.map((column) => combine(math, line, COLUMNS, [column]));
          }),
        );
  return math.image(math.div(sum, counts), image, to);
}

/**
 * Pillow resizes in two passes, rows first, each with whole weights and rounded to 8 bits. A float64 holds the sums
 * exactly; ONNX Runtime has no such operators for integers.
 */
function lanczos(math: ImageMath, image: ImageValue, to: TargetSize): ImageValue {
  const bytes = math.floor(math.clamp(math.mul(image.value, 255), 0, 255));
  const exact = math.graph.cast(bytes, "float64");
  const across = lanczosPass(math, exact, COLUMNS, [image.width, to.width]);
  const down = lanczosPass(math, across, ROWS, [image.height, to.height]);
  return math.image(math.div(math.graph.cast(down, "float32"), 255), image, to);
}

function lanczosPass(
  math: ImageMath,
  of: Value,
  axis: number,
  [from, to]: readonly [number, number],
): Value {
  if (from === to) return of;
  const { graph } = math;
  const number = (value: number): Value => graph.constant("float64", [], [value]);
  const sum = combine(math, of, axis, lanczosTaps(from, to), "float64");
  const half = graph.node("Add", [sum, number(2 ** (LANCZOS_BITS - 1))]);
  const shifted = graph.node("Floor", [graph.node("Mul", [half, number(2 ** -LANCZOS_BITS)])]);
  return graph.node("Clip", [shifted, number(0), number(255)]);
}
