/** ImagePadForOutpaint: extends pictures, and masks what is to be painted. */
import type { ImageValue, MaskValue } from "../../image/graph-value.ts";
import type { ImageMath } from "../../image/image-math.ts";
import type { NodeInputs } from "../../image/node-inputs.ts";
import { int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

/** Left, top, right, bottom. */
type Sides = readonly [number, number, number, number];

export const ImagePadForOutpaint: NodeClass = {
  name: "ImagePadForOutpaint",
  category: "image/size",
  inputs: {
    image: link("IMAGE"),
    left: int({ default: 0, min: 0, max: 16384, step: 8 }),
    top: int({ default: 0, min: 0, max: 16384, step: 8 }),
    right: int({ default: 0, min: 0, max: 16384, step: 8 }),
    bottom: int({ default: 0, min: 0, max: 16384, step: 8 }),
    feathering: int({ default: 40, min: 0, max: 16384, step: 1 }),
  },
  outputs: ["IMAGE", "MASK"],
  /** Mid grey around the picture, and a mask of what is to be painted. */
  fragment(inputs, math) {
    const image = inputs.image("image");
    const [left, top] = [inputs.number("left"), inputs.number("top")];
    const [right, bottom] = [inputs.number("right"), inputs.number("bottom")];
    const rows = [top, bottom] as const;
    const columns = [left, right] as const;
    const size = { width: image.width + left + right, height: image.height + top + bottom };
    const padded = math.pad(image.value, rows, columns, { dims: 4, with: 0.5 });
    const inner = feathered(inputs, math, image, [left, top, right, bottom]);
    const mask = math.pad(inner.value, rows, columns, { dims: 3, with: 1 });
    return [math.image(padded, image, size), math.mask(mask, { ...size, batch: 1 })];
  },
};

/** 0 inside, rising towards the extended sides: `((feathering − distance) / feathering)²`, computed in float64. */
function feathered(
  inputs: NodeInputs,
  math: ImageMath,
  { width, height }: ImageValue,
  [left, top, right, bottom]: Sides,
): MaskValue {
  const size = { batch: 1, width, height };
  const feathering = inputs.number("feathering");
  if (feathering === 0 || feathering * 2 >= Math.min(width, height)) {
    return math.mask(math.expand(math.value(0), 1, height, width), size);
  }
  const distances = (length: number, before: number, after: number): number[] =>
    Array.from({ length }, (_, at) =>
      Math.min(feathering, before > 0 ? at : length, after > 0 ? length - at : length),
    );
  const { graph } = math;
  const rows = graph.constant("float64", [1, height, 1], distances(height, top, bottom));
  const columns = graph.constant("float64", [1, 1, width], distances(width, left, right));
  const whole = graph.constant("float64", [], [feathering]);
  const rest = graph.node("Sub", [whole, graph.node("Min", [rows, columns])]);
  const share = graph.node("Div", [rest, whole]);
  return math.mask(graph.cast(graph.node("Mul", [share, share]), "float32"), size);
}
