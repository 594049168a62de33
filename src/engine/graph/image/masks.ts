/** Computes the nodes that change masks sample by sample, crop them and put them together. */
import type { Value } from "../../models/graph-builder.ts";
import { repeatedTo } from "./batches.ts";
import { pasted } from "./composite.ts";
import { COLUMNS, type ImageMath, ROWS } from "./image-math.ts";
import type { Fragments } from "./node-inputs.ts";

type Combine = (math: ImageMath, below: Value, above: Value) => Value;

/** Logical operations take samples above a half as true; a half itself rounds to even, and so to false. */
const isTrue = (math: ImageMath, of: Value): Value => math.graph.cast(math.round(of), "bool");

const logical =
  (op: "And" | "Or" | "Xor"): Combine =>
  (math, below, above) =>
    math.indicator(math.graph.node(op, [isTrue(math, below), isTrue(math, above)]));

const OPERATIONS: Readonly<Record<string, Combine>> = {
  multiply: (math, below, above) => math.mul(below, above),
  add: (math, below, above) => math.add(below, above),
  subtract: (math, below, above) => math.sub(below, above),
  and: logical("And"),
  or: logical("Or"),
  xor: logical("Xor"),
};

export const MASK_FRAGMENTS: Fragments = {
  InvertMask(inputs, math) {
    const mask = inputs.mask("mask");
    return [math.mask(math.sub(1, mask.value), mask)];
  },

  ThresholdMask(inputs, math) {
    const mask = inputs.mask("mask");
    return [math.mask(math.indicator(math.greater(mask.value, inputs.number("value"))), mask)];
  },

  CropMask(inputs, math) {
    const mask = inputs.mask("mask");
    const [x, y] = [inputs.number("x"), inputs.number("y")];
    const right = Math.min(mask.width, x + inputs.number("width"));
    const bottom = Math.min(mask.height, y + inputs.number("height"));
    if (x >= right || y >= bottom) {
      const size = `${mask.width}x${mask.height}`;
      throw inputs.refusal(x >= right ? "x" : "y", `lies beyond the mask, which is ${size}`);
    }
    const cropped = math.window(mask.value, [y, bottom], [x, right]);
    return [math.mask(cropped, mask, { width: right - x, height: bottom - y })];
  },

  /** Within the part that both cover, the destination is combined with the source. */
  MaskComposite(inputs, math) {
    const base = math.asImage(inputs.mask("destination"));
    const source = repeatedTo(math, math.asImage(inputs.mask("source")), base.batch);
    const [x, y] = [inputs.number("x"), inputs.number("y")];
    const width = Math.min(source.width, base.width - x);
    const height = Math.min(source.height, base.height - y);
    const operation = inputs.word("operation");
    const combine = OPERATIONS[operation];
    if (combine === undefined) throw inputs.refusal("operation", `is ${operation}: not known`);
    if (width <= 0 || height <= 0) return [math.asMask(math.image(math.clamp(base.value), base))];
    const below = math.window(base.value, [y, y + height], [x, x + width]);
    const above = math.window(source.value, [0, height], [0, width]);
    const patch = math.image(combine(math, below, above), base, { width, height });
    const combined = pasted(math, base, patch, { x, y });
    return [math.asMask(math.image(math.clamp(combined.value), base))];
  },

  /**
   * Fades to 0 towards the sides. As in ComfyUI, the fade from the right starts at the first column, then takes those
   * before the last one (index −x); so does that from the bottom.
   */
  FeatherMask(inputs, math) {
    const mask = inputs.mask("mask");
    const sides = [
      ["left", COLUMNS, 1],
      ["right", COLUMNS, -1],
      ["top", ROWS, 1],
      ["bottom", ROWS, -1],
    ] as const;
    const faded = sides.reduce((value, [side, axis, direction]) => {
      const length = axis === ROWS ? mask.height : mask.width;
      const width = Math.min(length, inputs.number(side));
      if (width === 0) return value;
      const rates = new Array<number>(length).fill(1);
      for (let at = 0; at < width; at++) {
        rates[(direction * at + length) % length] = (at + 1) / width;
      }
      return math.mul(value, math.along(axis, rates));
    }, math.asImage(mask).value);
    return [math.asMask(math.image(faded, { ...mask, channels: 1 }))];
  },
};
