/** Multiplies colours with alpha and divides them again as Pillow does around a resize: in whole numbers of 8 bits. */
import type { Value } from "../../models/graph-builder.ts";
import type { ImageValue } from "./graph-value.ts";
import { CHANNELS, type ImageMath } from "./image-math.ts";

/** float64 of whole numbers from 0 to 255 with four channels: the colours times alpha / 255, rounded. */
export function multiplied(math: ImageMath, image: ImageValue): ImageValue {
  const { node, number, colours, alpha } = partsOf(math, image);
  const product = node("Add", node("Mul", colours, alpha), number(128));
  const carried = node("Add", product, node("Floor", node("Mul", product, number(1 / 256))));
  const rounded = node("Floor", node("Mul", carried, number(1 / 256)));
  return math.image(math.concat(CHANNELS, rounded, alpha), image);
}

/** The colours times 255 / alpha, cut off; where alpha is 0 they stay. */
export function divided(math: ImageMath, image: ImageValue): ImageValue {
  const { node, number, colours, alpha } = partsOf(math, image);
  const divisor = node("Max", alpha, number(1));
  const quotient = node("Floor", node("Div", node("Mul", colours, number(255)), divisor));
  const isClear = node("Equal", alpha, number(0));
  const shown = node("Where", isClear, colours, node("Min", quotient, number(255)));
  return math.image(math.concat(CHANNELS, shown, alpha), image);
}

function partsOf(math: ImageMath, { value }: ImageValue) {
  const { graph } = math;
  return {
    node: (op: string, ...inputs: Value[]): Value => graph.node(op, inputs),
    number: (value: number): Value => graph.constant("float64", [], [value]),
    colours: math.slice(value, CHANNELS, 0, 3),
    alpha: math.slice(value, CHANNELS, 3, 4),
  };
}
