/** Spreads the errors of a picture with few colours: by a Bayer matrix, or to the neighbours (Floyd and Steinberg). */
import type { Value } from "../../models/graph-builder.ts";
import type { ImageValue } from "./graph-value.ts";
import { CHANNELS, COLUMNS, type ImageMath } from "./image-math.ts";

/** Adds a Bayer matrix of `order`², whose steps are wider the fewer colours there are, to samples from 0 to 255. */
export function ordered(
  math: ImageMath,
  bytes: Value,
  { height, width }: ImageValue,
  order: number,
  colours: number,
): Value {
  const spread = (2 * 256) / colours;
  const matrix = bayer(Math.log2(order)).map((row) => row.map((each) => spread * each + 0.5));
  const one = math.graph.constant("float32", [1, order, order, 1], matrix.flat());
  const times = math.ints(1, Math.ceil(height / order), Math.ceil(width / order), 1);
  const tiled = math.graph.node("Tile", [one, times]);
  const fitted = math.window(tiled, [0, height], [0, width]);
  return math.floor(math.clamp(math.add(bytes, fitted), 0, 255));
}

/** Of 2^n rows, with values around 0. */
function bayer(n: number): number[][] {
  if (n === 0) return [[0]];
  const inner = bayer(n - 1);
  const share = 4 ** n;
  const quarter = (offset: number): number[][] =>
    inner.map((row) => row.map((each) => (share * each + offset) / share));
  const beside = (left: number[][], right: number[][]): number[][] =>
    left.map((row, y) => [...row, ...(right[y] ?? [])]);
  return [...beside(quarter(-1.5), quarter(0.5)), ...beside(quarter(1.5), quarter(-0.5))];
}

/**
 * Gives each sample of `[1, height, width, 3]` its colour by `choose` (`[height, 3]` to the same shape) and passes its
 * error on: 7/16 to the right, and 3/16, 5/16 and 1/16 to the three below. A row may start two columns after the one
 * above, so a step does one sample of every row: the picture is skewed, and each column of it is a step.
 */
export function diffused(
  math: ImageMath,
  bytes: Value,
  { height, width }: ImageValue,
  choose: (samples: Value) => Value,
): Value {
  const { graph } = math;
  const length = width + 2 * height;
  const isInside = math.expand(math.value(1), 1, height, width, 1);
  const marked = math.concat(CHANNELS, bytes, isInside);
  const wide = math.pad(marked, [0, 0], [0, 2 * height], { dims: 4, with: 0 });
  // Read with rows that are two samples shorter, each row starts two samples later.
  const flat = math.slice(math.reshape(wide, height * length, 4), 0, 0, height * (length - 2));
  const steps = graph.transpose(math.reshape(flat, height, length - 2, 4), 1, 0, 2);
  const none = math.expand(math.value(0), height, 3);
  const colours = math.scan([none, none, none], steps, (states, column) => {
    const [last, second, third] = states as [Value, Value, Value];
    const above = math.sum([math.mul(last, 3), math.mul(second, 5), third]);
    const lower = math.ints(1, 0, -1, 0);
    const fromAbove = graph.node("Pad", [above, lower], { mode: "constant" });
    const passed = math.div(math.add(math.mul(last, 7), fromAbove), 16);
    const samples = math.clamp(math.add(math.slice(column, 1, 0, 3), passed), 0, 255);
    const output = choose(samples);
    const error = math.mul(math.sub(samples, output), math.slice(column, 1, 3, 4));
    return { states: [error, last, second], output };
  });
  const rows = math.reshape(graph.transpose(colours, 1, 0, 2), height * (length - 2), 3);
  const filled = graph.node("Pad", [rows, math.ints(0, 0, 2 * height, 0)], { mode: "constant" });
  return math.slice(math.reshape(filled, 1, height, length, 3), COLUMNS, 0, width);
}
