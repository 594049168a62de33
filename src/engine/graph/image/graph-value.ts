/** Declares the values that travel between the nodes of an image graph while it is compiled. */
import type { Value } from "../../models/graph-builder.ts";

/** Pictures: float32 `[batch, height, width, channels]`. 0 is black and 1 white; values between nodes may lie beyond. */
export interface ImageValue {
  readonly kind: "image";
  readonly value: Value;
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Masks: float32 `[batch, height, width]`. */
export interface MaskValue {
  readonly kind: "mask";
  readonly value: Value;
  readonly batch: number;
  readonly height: number;
  readonly width: number;
}

/** A value that is known when the graph is compiled. */
export interface PlainValue {
  readonly kind: "plain";
  readonly value: number | string | boolean;
}

/** One output of a node. */
export type GraphValue = ImageValue | MaskValue | PlainValue;

/** A mask as a picture of one channel. */
export type Shape = Pick<ImageValue, "batch" | "height" | "width" | "channels">;

export const dimsOf = ({ batch, height, width, channels }: Shape): number[] => [
  batch,
  height,
  width,
  channels,
];
