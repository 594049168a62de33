/** What a plan takes for one frame, and what it gives. */
import type { Picture } from "../../media/picture.ts";
import type { Ticks } from "../../media/time.ts";
import type { Frame } from "../codec/libav.ts";
import type { RunOutput } from "../device/worker/calls.ts";
import type { ModelDefinition } from "../models/definition.ts";
import type { Tensor } from "../models/tensor.ts";
import type { Fit, Size, StreamParams } from "../protocol/work.ts";

/** One frame to make: from a decoded frame, or from nothing (null). */
export interface PlanJob {
  readonly frame: Frame | null;
  readonly pts: Ticks;
  readonly size: Size;
  readonly params: StreamParams;
  /** `performance.now()` after which the frame is worth nothing. */
  readonly deadline?: number;
}

/** A picture, how to fit it to the asked-for size, what the models say, and the time that they took. */
export interface Drawn {
  /** In the size of the last model that makes one. */
  readonly picture: Picture;
  readonly fit: Fit;
  /** Numbers of the last model by output name. */
  readonly data: Readonly<Record<string, Tensor>>;
  /** Texts of its graphs' nodes, by the node's id. */
  readonly texts?: Readonly<Record<string, string>>;
  /** Of graphs that run for a request: see `RunOutput`. */
  readonly nodePictures?: RunOutput["nodePictures"];
  readonly inferenceMs: number;
}

/** As `Drawn`, but without a picture where no model makes one: the frame is to be shown. */
export interface PlanResult extends Omit<Drawn, "picture"> {
  readonly picture: Picture | null;
  /** A node keeps the picture and may show it again: its memory must not be reused. */
  readonly isKept: boolean;
}

/**
 * Whether the picture is to be stretched to the output's shape. One that was made of video squeezed to the model's size
 * is; one that a model has rotated or cropped, or drawn in a shape of its own, is fitted as the stream asks.
 */
export function restoresShape(
  { overlays, fit }: ModelDefinition,
  picture: Size,
  { hasVideo, size: inner }: { readonly hasVideo: boolean; readonly size: Size },
  output: Size,
): boolean {
  if (overlays) return true;
  if (!hasVideo) return sameShape(picture, output);
  return fit === null && sameShape(picture, inner);
}

const sameShape = (a: Size, b: Size): boolean => a.width * b.height === a.height * b.width;
