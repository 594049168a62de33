/** Canny: finds edges as kornia does: one sample wide, and weak ones count where they touch strong ones. */
import type { Value } from "../../../models/graph-builder.ts";
import { blurred, gaussian } from "../../image/blur.ts";
import { withChannels } from "../../image/channels.ts";
import type { ImageValue } from "../../image/graph-value.ts";
import { CHANNELS, COLUMNS, type ImageMath, ROWS } from "../../image/image-math.ts";
import { greatest } from "../../image/morphology.ts";
import { float, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

/** The weights of a Gaussian of sigma 1 over five samples. */
const SMOOTH = gaussian([-2, -1, 0, 1, 2], 1);

const LUMA = [0.299, 0.587, 0.114];

/** Keeps the square root from being flat at 0. */
const EPSILON = 1e-6;

/** Directions are rounded to multiples of 45 degrees. */
const TAN_22_5 = Math.tan(Math.PI / 8);

/** How often strong edges grow by a sample before it is checked whether anything changed. */
const STEPS_AT_ONCE = 8;

const NEIGHBOURS = { before: 1, after: 1 };

export const Canny: NodeClass = {
  name: "Canny",
  category: "image/filter",
  inputs: {
    image: link("IMAGE"),
    low_threshold: float({ default: 0.4, min: 0.01, max: 0.99, step: 0.01 }),
    high_threshold: float({ default: 0.8, min: 0.01, max: 0.99, step: 0.01 }),
  },
  outputs: ["IMAGE"],
  fragment(inputs, math) {
    const image = withChannels(math, inputs.image("image"), 3);
    if (Math.min(image.width, image.height) < 3) {
      throw inputs.refusal("image", `is ${image.width}x${image.height}; at least 3x3 is needed`);
    }
    const parts = LUMA.map((weight, channel) =>
      math.mul(math.slice(image.value, CHANNELS, channel, channel + 1), weight),
    );
    const grey = math.image(math.sum(parts), image, { channels: 1 });
    const magnitude = ridges(math, blurred(math, grey, SMOOTH));
    const strong = math.indicator(math.greater(magnitude, inputs.number("high_threshold")));
    const weak = math.indicator(math.greater(magnitude, inputs.number("low_threshold")));
    const planes = hysteresis(
      math,
      {
        strong: math.toPlanes({ ...grey, value: strong }),
        weak: math.toPlanes({ ...grey, value: weak }),
      },
      image.width * image.height,
    );
    return [math.repeatedChannel(math.fromPlanes(planes, grey), 3)];
  },
};

/** The strength of the gradient where it is greater than on both sides along its direction, else 0. */
function ridges(math: ImageMath, image: ImageValue): Value {
  const [x, y] = sobel(math, image);
  const magnitude = math.sqrt(math.add(math.add(math.square(x), math.square(y)), EPSILON));
  const around = math.pad(magnitude, [1, 1], [1, 1], { dims: 4, with: 0 });
  const neighbour = (down: number, right: number): Value =>
    math.window(around, [1 + down, 1 + down + image.height], [1 + right, 1 + right + image.width]);
  const sides = (down: number, right: number): Value =>
    math.max(neighbour(down, right), neighbour(-down, -right));
  const [across, along] = [math.abs(x), math.abs(y)];
  const isFlat = math.lessOrEqual(along, math.mul(across, TAN_22_5));
  const isSteep = math.lessOrEqual(across, math.mul(along, TAN_22_5));
  const falls = math.greater(math.mul(x, y), 0);
  const diagonal = math.select(falls, sides(1, 1), sides(1, -1));
  const greatestSide = math.select(
    isFlat,
    sides(0, 1),
    math.select(isSteep, sides(1, 0), diagonal),
  );
  return math.mul(magnitude, math.indicator(math.greater(magnitude, greatestSide)));
}

/** The gradients along columns and rows; the border is repeated. */
function sobel(math: ImageMath, { value, width, height }: ImageValue): [Value, Value] {
  const pads = math.ints(0, 1, 1, 0, 0, 1, 1, 0);
  const padded = math.graph.node("Pad", [value, pads], { mode: "edge" });
  const at = (axis: number, from: number): Value =>
    math.slice(padded, axis, from, from + (axis === ROWS ? height : width));
  const slope = (axis: number): Value => math.sub(at(axis, 2), at(axis, 0));
  const smooth = (of: Value, axis: number): Value => {
    const length = axis === ROWS ? height : width;
    const [before, here, after] = [0, 1, 2].map((from) =>
      math.slice(of, axis, from, from + length),
    );
    return math.add(math.add(before as Value, math.mul(here as Value, 2)), after as Value);
  };
  return [smooth(slope(COLUMNS), ROWS), smooth(slope(ROWS), COLUMNS)];
}

/** Strong edges grow along weak ones until nothing changes. */
function hysteresis(
  math: ImageMath,
  { strong, weak }: { readonly strong: Value; readonly weak: Value },
  most: number,
): Value {
  return math.repeat(strong, Math.ceil(most / STEPS_AT_ONCE), (reached) => {
    let grown = reached;
    for (let step = 0; step < STEPS_AT_ONCE; step++) {
      grown = math.mul(greatest(math, grown, NEIGHBOURS, NEIGHBOURS), weak);
    }
    const change = math.graph.node("ReduceMax", [math.sub(grown, reached)], { keepdims: 0n });
    return { state: grown, again: math.greater(change, 0) };
  });
}
