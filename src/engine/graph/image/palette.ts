/**
 * Finds the colours that represent a picture. The palette is not Pillow's (a median cut): it starts with colours far apart
 * and moves each to the mean of the samples around it, which comes closer to the picture.
 */
import type { Value } from "../../models/graph-builder.ts";
import type { ImageMath } from "./image-math.ts";

/** Samples that a palette is made from. */
const MAX_TRAINING = 2 ** 14;

const ROUNDS = 8;

/** Samples that are compared with all colours at once. */
const CHUNK = 2 ** 16;

/** `[colours, 3]` for samples `[count, 3]`. */
export function paletteOf(math: ImageMath, samples: Value, count: number, colours: number): Value {
  const step = Math.ceil(count / MAX_TRAINING);
  const { graph } = math;
  const training = graph.node("Slice", [
    samples,
    math.ints(0),
    math.ints(count),
    math.ints(0),
    math.ints(step),
  ]);
  const most = Math.min(colours, Math.ceil(count / step));
  let palette = farApart(math, training, most);
  for (let round = 0; round < ROUNDS; round++) palette = moved(math, training, palette, most);
  return math.round(palette);
}

/** The mean, and then each time the sample that is farthest from all colours so far. */
function farApart(math: ImageMath, samples: Value, colours: number): Value {
  const { graph } = math;
  const mean = graph.node("ReduceMean", [samples], { axes: [0n], keepdims: 1n });
  const palette = [mean];
  let least: Value | null = null;
  for (let latest = mean; palette.length < colours; ) {
    const apart = math.square(math.sub(samples, latest));
    const distance = graph.node("ReduceSum", [apart, math.ints(1)], { keepdims: 0n });
    least = least === null ? distance : math.min(least, distance);
    const farthest = graph.node("ArgMax", [least], { axis: 0n, keepdims: 1n });
    latest = graph.node("Gather", [samples, farthest], { axis: 0n });
    palette.push(latest);
  }
  return math.concat(0, ...palette);
}

/** Each colour as the mean of the samples that are nearest to it; one without samples stays. */
function moved(math: ImageMath, samples: Value, palette: Value, colours: number): Value {
  const { graph } = math;
  const indices = indicesOf(math, samples, palette);
  const oneHot = graph.node(
    "OneHot",
    [indices, math.ints(colours), graph.constant("float32", [2], [0, 1])],
    { axis: 0n },
  );
  const sums = graph.node("MatMul", [oneHot, samples]);
  const counts = graph.node("ReduceSum", [oneHot, math.ints(1)], { keepdims: 1n });
  const means = math.div(sums, math.max(counts, 1));
  return math.select(math.greater(counts, 0), means, palette);
}

/** For each sample, which colour is nearest: `|c|² − 2·s·c` is least. */
function indicesOf(math: ImageMath, samples: Value, palette: Value): Value {
  const { graph } = math;
  const squares = graph.node("ReduceSum", [math.square(palette), math.ints(1)], { keepdims: 0n });
  const products = graph.node("MatMul", [samples, graph.transpose(palette, 1, 0)]);
  const distances = math.sub(squares, math.mul(products, 2));
  return graph.node("ArgMin", [distances], { axis: 1n, keepdims: 0n });
}

export function nearest(math: ImageMath, samples: Value, count: number, palette: Value): Value {
  const parts = Array.from({ length: Math.ceil(count / CHUNK) }, (_, part) => {
    const some = math.slice(samples, 0, part * CHUNK, Math.min(count, (part + 1) * CHUNK));
    return math.graph.node("Gather", [palette, indicesOf(math, some, palette)], { axis: 0n });
  });
  return math.concat(0, ...parts);
}
