/** The complete definition of a model: plain data that crosses threads. */
import type { NumberParam } from "../protocol/models.ts";
import type { Fit, Size } from "../protocol/work.ts";
import type { Channels, Layout, PixelType } from "./model-json.ts";
import type { ElementType } from "./tensor-signature.ts";

/** The layout of a picture in a tensor, and the meaning of its values. */
export interface PixelFormat {
  readonly tensor: string;
  readonly layout: Layout;
  readonly channels: Channels;
  readonly dtype: PixelType;
  /** The values of black and of white. */
  readonly range: readonly [number, number];
}

export interface FrameFormat extends PixelFormat {
  /** One value, or one per channel in the tensor's order; `[0]` and `[1]` where the model needs none. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Null for models that take any size. */
  readonly size: Size | null;
  readonly multipleOf: number;
}

/** An input of one element: a parameter, the time, or a side of the picture. */
export type ScalarInput = {
  readonly tensor: string;
  readonly dtype: ElementType;
  readonly dims: readonly number[];
} /** With `sum` the tensor gets the parameter's integral over the stream's time. */ & (
  | { readonly role: "param"; readonly param: NumberParam; readonly sum: boolean }
  | { readonly role: "time" | "width" | "height" }
);

/** A float32 input that takes the prompts as the vector of `prompts/controls.ts`. */
export interface TextTensor {
  readonly tensor: string;
  readonly dims: readonly number[];
}

/** Everything that sessions and their callers need to know about a model. */
export interface ModelDefinition {
  readonly name: string;
  readonly description: string;
  /** Null for models that draw without video. */
  readonly frame: FrameFormat | null;
  readonly scalars: readonly ScalarInput[];
  readonly texts: readonly TextTensor[];
  readonly image: PixelFormat;
  readonly fit: Fit | null;
}

/** The parameters that callers may set. */
export const paramsOf = (definition: ModelDefinition): NumberParam[] =>
  definition.scalars.flatMap((scalar) => (scalar.role === "param" ? [scalar.param] : []));

/**
 * The size to which a picture of size `source` must be scaled for the model: its fixed size, or the nearest
 * multiple that it takes.
 */
export function inputSize({ frame }: ModelDefinition, source: Size): Size {
  if (frame === null) return source;
  if (frame.size !== null) return frame.size;
  const nearest = (length: number): number =>
    Math.max(1, Math.round(length / frame.multipleOf)) * frame.multipleOf;
  return { width: nearest(source.width), height: nearest(source.height) };
}
