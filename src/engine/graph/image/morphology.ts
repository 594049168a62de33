/** Computes Morphology and GrowMask: the greatest and the least of neighbouring samples. */
import type { Value } from "../../models/graph-builder.ts";
import type { ImageMath } from "./image-math.ts";
import type { Fragments } from "./node-inputs.ts";

/** Before and after a sample, along both dimensions; with a step, only each step-th neighbour. */
interface Reach {
  readonly before: number;
  readonly after: number;
  readonly step?: number;
}

const NONE: Reach = { before: 0, after: 0 };

/** Changes planes `[n, 1, height, width]`. */
type Change = (math: ImageMath, planes: Value) => Value;

/**
 * The greatest sample of a rectangle around each one; beyond the border there is nothing. ONNX Runtime's own padding is
 * limited by the number of samples, not by how far apart they are.
 */
export function greatest(math: ImageMath, planes: Value, rows: Reach, columns: Reach): Value {
  const size = ({ before, after, step = 1 }: Reach): bigint => BigInt((before + after) / step + 1);
  const pads = math.ints(0, 0, rows.before, columns.before, 0, 0, rows.after, columns.after);
  const nothing = math.value(Number.NEGATIVE_INFINITY);
  const padded = math.graph.node("Pad", [planes, pads, nothing], { mode: "constant" });
  return math.graph.node("MaxPool", [padded], {
    kernel_shape: [size(rows), size(columns)],
    dilations: [BigInt(rows.step ?? 1), BigInt(columns.step ?? 1)],
  });
}

/** The greatest of a square of `size`, as kornia places it: the centre of an even size is right of the middle. */
const dilation =
  (size: number): Change =>
  (math, planes) => {
    const before = Math.floor(size / 2);
    const reach = { before, after: size - 1 - before };
    return greatest(math, greatest(math, planes, reach, NONE), NONE, reach);
  };

/** The greatest of all samples at most `radius` steps away, each along a row or a column. */
const diamond =
  (radius: number): Change =>
  (math, planes) => {
    let [grown, reached] = [planes, 0];
    // Four diamonds around the corners of another cover one of twice its radius.
    while (reached < radius) {
      const step = Math.min(radius - reached, Math.max(1, reached));
      const arm = { before: step, after: step, step };
      grown = math.max(greatest(math, grown, arm, NONE), greatest(math, grown, NONE, arm));
      reached += step;
    }
    return grown;
  };

const negative = (math: ImageMath, of: Value): Value => math.graph.node("Neg", [of]);

/** The least of the samples of which `change` takes the greatest. */
const least =
  (change: Change): Change =>
  (math, planes) =>
    negative(math, change(math, negative(math, planes)));

const OPERATIONS: Readonly<Record<string, (dilate: Change, erode: Change) => Change>> = {
  erode: (_, erode) => erode,
  dilate: (dilate) => dilate,
  open: (dilate, erode) => (math, x) => dilate(math, erode(math, x)),
  close: (dilate, erode) => (math, x) => erode(math, dilate(math, x)),
  gradient: (dilate, erode) => (math, x) => math.sub(dilate(math, x), erode(math, x)),
  top_hat: (dilate, erode) => (math, x) => math.sub(x, dilate(math, erode(math, x))),
  bottom_hat: (dilate, erode) => (math, x) => math.sub(erode(math, dilate(math, x)), x),
};

export const MORPHOLOGY_FRAGMENTS: Fragments = {
  Morphology(inputs, math) {
    const image = inputs.image("image");
    const operation = inputs.word("operation");
    const make = OPERATIONS[operation];
    if (make === undefined) throw inputs.refusal("operation", `is ${operation}: not known`);
    const dilate = dilation(inputs.number("kernel_size"));
    const change = make(dilate, least(dilate));
    return [math.fromPlanes(change(math, math.toPlanes(image)), image)];
  },

  /** Grows by squares, or by diamonds where corners are tapered; a negative number shrinks. */
  GrowMask(inputs, math) {
    const mask = inputs.mask("mask");
    const expand = inputs.number("expand");
    if (expand === 0) return [mask];
    // Beyond that, every sample has reached every other one.
    const radius = Math.min(Math.abs(expand), mask.width + mask.height);
    const grow = inputs.flag("tapered_corners") ? diamond(radius) : dilation(2 * radius + 1);
    const change = expand > 0 ? grow : least(grow);
    const image = math.asImage(mask);
    return [math.asMask(math.fromPlanes(change(math, math.toPlanes(image)), image))];
  },
};
