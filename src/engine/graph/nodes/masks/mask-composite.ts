/** MaskComposite: combines two masks. */
import type { Value } from "../../../models/graph-builder.ts";
import { repeatedTo } from "../../image/batches.ts";
import type { ImageMath } from "../../image/image-math.ts";
import { pasted } from "../../image/paste.ts";
import { choice, int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

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

export const MaskComposite: NodeClass = {
  name: "MaskComposite",
  category: "mask",
  inputs: {
    destination: link("MASK"),
    source: link("MASK"),
    x: int({ default: 0, min: 0, max: 16384, step: 1 }),
    y: int({ default: 0, min: 0, max: 16384, step: 1 }),
    operation: choice(["multiply", "add", "subtract", "and", "or", "xor"]),
  },
  outputs: ["MASK"],
  /** Within the part that both cover, the destination is combined with the source. */
  fragment(inputs, math) {
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
};
