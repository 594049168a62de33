/** Computes the nodes that crop, extend, turn and mirror pictures. */
import type { ImageValue, MaskValue } from "./graph-value.ts";
import { COLUMNS, type ImageMath, ROWS } from "./image-math.ts";
import type { Fragments, NodeInputs } from "./node-inputs.ts";

/** Left, top, right, bottom. */
type Sides = readonly [number, number, number, number];

const QUARTERS: Readonly<Record<string, number>> = {
  "90 degrees": 1,
  "180 degrees": 2,
  "270 degrees": 3,
};

export const WINDOW_FRAGMENTS: Fragments = {
  /** Starts within the picture at the latest, and ends where the picture ends. */
  ImageCrop(inputs, math) {
    const image = inputs.image("image");
    const x = Math.min(inputs.number("x"), image.width - 1);
    const y = Math.min(inputs.number("y"), image.height - 1);
    const right = Math.min(image.width, x + inputs.number("width"));
    const bottom = Math.min(image.height, y + inputs.number("height"));
    const cropped = math.window(image.value, [y, bottom], [x, right]);
    return [math.image(cropped, image, { width: right - x, height: bottom - y })];
  },

  /** Mid grey around the picture, and a mask of what is to be painted. */
  ImagePadForOutpaint(inputs, math) {
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

  /** Clockwise. */
  ImageRotate(inputs, math) {
    const image = inputs.image("image");
    const quarters = QUARTERS[inputs.word("rotation")] ?? 0;
    if (quarters === 0) return [image];
    if (quarters === 2) {
      const upsideDown = math.reversed(math.reversed(image.value, ROWS), COLUMNS);
      return [math.image(upsideDown, image)];
    }
    const turned = math.reversed(
      math.graph.transpose(image.value, 0, 2, 1, 3),
      quarters === 1 ? COLUMNS : ROWS,
    );
    return [math.image(turned, image, { width: image.height, height: image.width })];
  },

  ImageFlip(inputs, math) {
    const image = inputs.image("image");
    const axis = inputs.word("flip_method").startsWith("x") ? ROWS : COLUMNS;
    return [math.image(math.reversed(image.value, axis), image)];
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
