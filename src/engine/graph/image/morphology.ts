/** Computes the maximum and the minimum over the neighbourhood of each sample. */
import type { Value } from "../../models/graph-builder.ts";
import type { ImageMath } from "./image-math.ts";

/** Before and after a sample, along both dimensions; with a step, only each step-th neighbour. */
interface Reach {
  readonly before: number;
  readonly after: number;
  readonly step?: number;
}

const NONE: Reach = { before: 0, after: 0 };

/** Changes planes `[n, 1, height, width]`. */
export type Change = (math: ImageMath, planes: Value) => Value;

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

/** The greatest of a square of `size`; of an even size, one more sample lies after the centre than before it. */
export const dilation = (size: number): Change =>
  square({ before: Math.ceil(size / 2) - 1, after: Math.floor(size / 2) });

/** The least of the mirrored square: kornia places both so, and what one of them moves the other moves back. */
export const erosion = (size: number): Change =>
  least(square({ before: Math.floor(size / 2), after: Math.ceil(size / 2) - 1 }));

const square =
  (reach: Reach): Change =>
  (math, planes) =>
    greatest(math, greatest(math, planes, reach, NONE), NONE, reach);

/** The greatest of all samples at most `radius` steps away, each along a row or a column. */
export const diamond =
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
export const least =
  (change: Change): Change =>
  (math, planes) =>
    negative(math, change(math, negative(math, planes)));
