/** Graph arithmetic for image nodes: slices, concatenation, gathers, and conversions between pictures and masks. */
import type { Value } from "../../models/graph-builder.ts";
import { GraphMath, type Operand } from "../../models/graph-math.ts";
import { dimsOf, type ImageValue, type MaskValue, type Shape } from "./graph-value.ts";

/** Dimensions of a picture `[batch, height, width, channels]`. */
export const BATCH = 0;
export const ROWS = 1;
export const COLUMNS = 2;
export const CHANNELS = 3;

export class ImageMath extends GraphMath {
  /** A picture whose samples are in the ONNX file. */
  stored(values: Float32Array, like: Shape): ImageValue {
    return this.image(this.graph.constant("float32", dimsOf(like), values), like);
  }

  /** A picture whose size is that of `like` but for `changes`. */
  image(value: Value, like: Shape, changes: Partial<Shape> = {}): ImageValue {
    const { batch, height, width, channels } = { ...like, ...changes };
    return { kind: "image", value, batch, height, width, channels };
  }

  mask(value: Value, like: Omit<Shape, "channels">, changes: Partial<Shape> = {}): MaskValue {
    const { batch, height, width } = { ...like, ...changes };
    return { kind: "mask", value, batch, height, width };
  }

  /** A mask as a picture of one channel. */
  asImage(mask: MaskValue): ImageValue {
    return this.image(this.graph.unsqueeze(mask.value, CHANNELS), { ...mask, channels: 1 });
  }

  asMask(image: ImageValue, channel = 0): MaskValue {
    const one =
      image.channels === 1 ? image.value : this.slice(image.value, CHANNELS, channel, channel + 1);
    return this.mask(this.graph.squeeze(one, CHANNELS), image);
  }

  /** A picture of one channel with that channel several times. ONNX Runtime takes five times as long to broadcast it. */
  repeatedChannel(image: ImageValue, channels: number): ImageValue {
    const parts = new Array<Value>(channels).fill(image.value);
    return this.image(this.concat(CHANNELS, ...parts), image, { channels });
  }

  /** A picture of one colour; one number for all channels, or one for each. */
  filled(shape: Shape, ...colour: number[]): ImageValue {
    const one = this.graph.constant("float32", [colour.length], colour);
    return this.image(this.expand(one, ...dimsOf(shape)), shape);
  }

  expand(of: Value, ...dims: number[]): Value {
    return this.graph.node("Expand", [of, this.ints(...dims)]);
  }

  /** The elements `from` up to `to` of one dimension. */
  slice(of: Value, axis: number, from: number, to: number): Value {
    return this.graph.node("Slice", [of, this.ints(from), this.ints(to), this.ints(axis)]);
  }

  /** A rectangle of a picture or mask, whose rows and columns are dimensions 1 and 2. */
  window(of: Value, rows: readonly [number, number], columns: readonly [number, number]): Value {
    const [starts, ends] = [this.ints(rows[0], columns[0]), this.ints(rows[1], columns[1])];
    return this.graph.node("Slice", [of, starts, ends, this.ints(ROWS, COLUMNS)]);
  }

  /** One dimension in reverse order. */
  reversed(of: Value, axis: number): Value {
    const [start, end] = [this.ints(-1), this.ints(Number.MIN_SAFE_INTEGER)];
    return this.graph.node("Slice", [of, start, end, this.ints(axis), this.ints(-1)]);
  }

  concat(axis: number, ...parts: Value[]): Value {
    return parts.length === 1
      ? (parts[0] as Value)
      : this.graph.node("Concat", parts, { axis: BigInt(axis) });
  }

  /** `of[indices[i]]` along one dimension. */
  gather(of: Value, axis: number, indices: readonly number[]): Value {
    return this.graph.node("Gather", [of, this.ints(...indices)], { axis: BigInt(axis) });
  }

  /** Adds rows and columns of one number around a picture or mask: `[before, after]` of each. */
  pad(
    of: Value,
    rows: readonly [number, number],
    columns: readonly [number, number],
    options: { readonly dims: 3 | 4; readonly with: number },
  ): Value {
    const rest = options.dims === 4 ? [0] : [];
    const pads = this.ints(0, rows[0], columns[0], ...rest, 0, rows[1], columns[1], ...rest);
    return this.graph.node("Pad", [of, pads, this.value(options.with)], { mode: "constant" });
  }

  /** Numbers that vary along one dimension of a picture, and broadcast over the others. */
  along(axis: number, values: readonly number[], dtype: "float32" | "float64" = "float32"): Value {
    const dims = [values.length, ...new Array<number>(CHANNELS - axis).fill(1)];
    return this.graph.constant(dtype, dims, values);
  }

  /** Adds from the left, one after another: float32 sums depend on the order. */
  sum(terms: readonly Value[]): Value {
    return terms.reduce((sum, term) => this.graph.node("Add", [sum, term]));
  }

  /** 1 where the condition holds, else 0. */
  indicator(condition: Value): Value {
    return this.graph.cast(condition, "float32");
  }

  greater(one: Operand, other: Operand): Value {
    return this.graph.node("Greater", [this.value(one), this.value(other)]);
  }

  lessOrEqual(one: Operand, other: Operand): Value {
    return this.graph.node("LessOrEqual", [this.value(one), this.value(other)]);
  }

  select(condition: Value, then: Operand, otherwise: Operand): Value {
    return this.graph.node("Where", [condition, this.value(then), this.value(otherwise)]);
  }

  /** As the graph's `repeat`. */
  repeat(
    initial: Value,
    most: number,
    step: (state: Value) => { readonly state: Value; readonly again: Value },
  ): Value {
    return this.graph.repeat(initial, most, (state) => this.scoped(() => step(state)));
  }

  /** As the graph's `scan`. */
  scan(
    initial: readonly Value[],
    sequence: Value,
    step: (
      states: readonly Value[],
      element: Value,
    ) => { readonly states: readonly Value[]; readonly output: Value },
  ): Value {
    return this.graph.scan(initial, sequence, (states, element) =>
      this.scoped(() => step(states, element)),
    );
  }

  /** Half to even, as numpy and torch round. */
  round(of: Operand): Value {
    return this.graph.node("Round", [this.value(of)]);
  }

  /** Planes `[batch · channels, 1, height, width]`, as convolutions and pools take them. */
  toPlanes({ value, batch, height, width, channels }: ImageValue): Value {
    const planes = channels === 1 ? value : this.graph.transpose(value, 0, 3, 1, 2);
    return this.reshape(planes, batch * channels, 1, height, width);
  }

  fromPlanes(planes: Value, like: Shape): ImageValue {
    const { batch, height, width, channels } = like;
    const split = this.reshape(planes, batch, channels, height, width);
    return this.image(this.graph.transpose(split, 0, 2, 3, 1), like);
  }
}
