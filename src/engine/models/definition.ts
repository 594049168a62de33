/** One model with nothing left open: plain data that sessions, threads and callers read. */

import type { ModelParam } from "../protocol/models.ts";
import type { Fit } from "../protocol/work.ts";
import type { Channels, Layout, PixelType } from "./model-json.ts";
import type { ElementType } from "./tensor-signature.ts";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** How pixels lie in a tensor and what their values mean. */
export interface PixelFormat {
  readonly tensor: string;
  readonly layout: Layout;
  readonly channels: Channels;
  readonly dtype: PixelType;
  /** Values of black and white. */
  readonly range: readonly [number, number];
}

export interface FrameFormat extends PixelFormat {
  /** Per channel in the tensor's order; `[0]` and `[1]` where the model wants none. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Null: any size. */
  readonly size: Size | null;
  readonly multipleOf: number;
}

/** A one-element input that is a number of the run: a parameter, the time, the picture's size. */
export type ScalarInput = {
  readonly tensor: string;
  readonly dtype: ElementType;
  readonly dims: readonly number[];
} /** With `sum` the tensor gets the parameter's sum over time. */ & (
  | { readonly role: "param"; readonly param: ModelParam; readonly sum: boolean }
  | { readonly role: "time" | "width" | "height" }
);

/** A float32 input that takes the prompts as the lexicon's vector. */
export interface TextTensor {
  readonly tensor: string;
  readonly dims: readonly number[];
}

/** Everything a session and its callers need to know of a model; plain data that crosses threads. */
export interface ModelDefinition {
  readonly name: string;
  readonly description: string;
  /** Null: the model needs no video. */
  readonly frame: FrameFormat | null;
  readonly scalars: readonly ScalarInput[];
  readonly texts: readonly TextTensor[];
  readonly image: PixelFormat;
  readonly fit: Fit | null;
}

/** The parameters that callers may set. */
export const paramsOf = (definition: ModelDefinition): ModelParam[] =>
  definition.scalars.flatMap((scalar) => (scalar.role === "param" ? [scalar.param] : []));

/**
 * The size a picture must have to go in, given the size it has: the fixed one, or the nearest
 * multiple the model takes.
 */
export function inputSize({ frame }: ModelDefinition, source: Size): Size {
  if (frame === null) return source;
  if (frame.size !== null) return frame.size;
  const fitting = (length: number): number =>
    Math.max(1, Math.round(length / frame.multipleOf)) * frame.multipleOf;
  return { width: fitting(source.width), height: fitting(source.height) };
}
