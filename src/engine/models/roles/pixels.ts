/** Picture tensors: the fields that describe one in `model.json`, and how they are checked against the graph. */
import { type Static, Type } from "@sinclair/typebox";
import { literals } from "../../../schema.ts";
import type { Size } from "../../protocol/work.ts";
import { describeTensor, type TensorSignature } from "../tensor-signature.ts";
import type { Binding, SizeRule } from "./role.ts";

/** Dimensions in order: batch, channel, height, width. Layouts without `c` have one channel. */
export const Layout = literals(["nchw", "nhwc", "chw", "hwc", "nhw", "hw"]);
export type Layout = Static<typeof Layout>;
const Channels = literals(["rgb", "bgr", "gray"]);
export type Channels = Static<typeof Channels>;
const PixelType = literals(["float32", "float16", "uint8", "int8"]);
export type PixelType = Static<typeof PixelType>;
const PerChannel = Type.Array(Type.Number(), { minItems: 1, maxItems: 3 });
const Side = Type.Integer({ minimum: 1, maximum: 8192 });

/** Fields of every picture tensor. */
export const PIXEL_FIELDS = {
  layout: Type.Optional(Layout),
  channels: Type.Optional(Channels),
  dtype: Type.Optional(PixelType),
  /** The values of black and of white: `[0, 1]`, `[0, 255]`, `[-1, 1]` and so on. */
  range: Type.Optional(Type.Tuple([Type.Number(), Type.Number()])),
  /** A sample is `(range value − mean) / std`, in the tensor's channel order. */
  mean: Type.Optional(PerChannel),
  std: Type.Optional(PerChannel),
  /** int8 tensors hold `sample / scale + zero_point`. */
  scale: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  zero_point: Type.Optional(Type.Integer({ minimum: -128, maximum: 127 })),
};
const PixelEntry = Type.Object(PIXEL_FIELDS);
export type PixelEntry = Static<typeof PixelEntry>;

/** Fields of picture tensors that are fed. */
export const SIZE_FIELDS = {
  /** `[width, height]`; "free" takes any. */
  size: Type.Optional(Type.Union([Type.Literal("free"), Type.Tuple([Side, Side])])),
  multiple_of: Type.Optional(Type.Integer({ minimum: 1, maximum: 256 })),
};
const SizeEntry = Type.Object(SIZE_FIELDS);
type SizeEntry = Static<typeof SizeEntry>;

/** The layout of a picture in a tensor, and the meaning of its values. */
export interface PixelFormat {
  readonly layout: Layout;
  readonly channels: Channels;
  readonly dtype: PixelType;
  readonly range: readonly [number, number];
  /** One value, or one per channel; `[0]` and `[1]` where the model needs none. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly scale: number;
  readonly zeroPoint: number;
}

/** What a picture has at least where nothing is stated. */
export const DEFAULT_PIXELS: PixelFormat = {
  layout: "nchw",
  channels: "rgb",
  dtype: "float32",
  range: [0, 1],
  mean: [0],
  std: [1],
  scale: 1,
  zeroPoint: 0,
};

/** The format of a picture tensor: what `entry` states, completed from the tensor. */
export function bindPixels(
  { tensor, problem }: Pick<Binding<unknown>, "tensor" | "problem">,
  entry: PixelEntry,
): PixelFormat {
  const layout = entry.layout ?? layoutOf(tensor);
  if (layout === null) {
    problem("", `does not have the shape of a picture: ${describeTensor(tensor)}`);
    return DEFAULT_PIXELS;
  }
  const dtype = entry.dtype ?? (isPixelType(tensor.dtype) ? tensor.dtype : null);
  if (dtype === null || (tensor.dtype !== null && dtype !== tensor.dtype)) {
    const given = entry.dtype === undefined ? "" : `is "${entry.dtype}" but `;
    problem(
      "dtype",
      `${given}the tensor is ${tensor.dtype}: a picture is float32, float16, uint8 or int8`,
    );
  }
  if (tensor.dims !== null && tensor.dims.length !== layout.length) {
    const dimensions = `${layout.length} dimensions`;
    problem("layout", `is "${layout}" (${dimensions}) but the tensor is ${describeTensor(tensor)}`);
  }
  const depth = layout.includes("c") ? tensor.dims?.[layout.indexOf("c")] : 1;
  const channels = entry.channels ?? (depth === 1 ? "gray" : "rgb");
  if (typeof depth === "number" && depth !== depthOf(channels)) {
    problem(
      "channels",
      `is "${channels}" but the tensor has ${depth} channels: ${describeTensor(tensor)}`,
    );
  }
  const format: PixelFormat = {
    layout,
    channels,
    dtype: dtype ?? "float32",
    range: entry.range ?? (dtype === "uint8" ? [0, 255] : [0, 1]),
    mean: entry.mean ?? [0],
    std: entry.std ?? [1],
    scale: entry.scale ?? 1,
    zeroPoint: entry.zero_point ?? 0,
  };
  checkValues(format, entry, problem);
  return format;
}

export const depthOf = (channels: Channels): 1 | 3 => (channels === "gray" ? 1 : 3);

function checkValues(
  { range, mean, std, channels, dtype }: PixelFormat,
  entry: PixelEntry,
  problem: Binding<unknown>["problem"],
): void {
  if (range[0] === range[1]) {
    problem("range", `is [${range}]: the values of black and white must differ`);
  }
  for (const [name, list] of Object.entries({ mean, std })) {
    if (list.length === 1 || list.length === depthOf(channels)) continue;
    problem(name, `has ${list.length} values; give 1 or ${depthOf(channels)}`);
  }
  if (std.includes(0)) problem("std", "contains 0, by which samples cannot be divided");
  const isNeutral = mean.every((each) => each === 0) && std.every((each) => each === 1);
  if (dtype === "uint8" && !(isNeutral && range[0] === 0 && range[1] === 255)) {
    problem("range", "must be [0, 255] for a uint8 tensor: leave it out");
  }
  if (dtype !== "int8" && (entry.scale ?? entry.zero_point) !== undefined) {
    problem("scale", "is for int8 tensors: use range, mean and std");
  }
}

/** No picture that is read here is larger. */
const MAX_SIDE = 16_384;

/** The size that a picture input takes: what the entry states, else what the tensor fixes. */
export function bindSize(
  { tensor, problem }: Pick<Binding<unknown>, "tensor" | "problem">,
  entry: SizeEntry,
  layout: Layout,
): SizeRule {
  const { width, height } = fixedSides(tensor, layout);
  const wanted = entry.size === undefined || entry.size === "free" ? null : entry.size;
  if (wanted === null && (width === null) !== (height === null)) {
    const sides = `[${width ?? "width"}, ${height ?? "height"}]`;
    problem("size", `must be ${sides} with a number for the side that the file leaves free`);
  } else if (!allows(width, wanted?.[0], entry) || !allows(height, wanted?.[1], entry)) {
    const given = JSON.stringify(entry.size);
    problem("size", `is ${given} but the file fixes [${width ?? "any"}, ${height ?? "any"}]`);
  }
  const size =
    wanted === null
      ? fixedSize(tensor, layout)
      : { width: width ?? wanted[0], height: height ?? wanted[1] };
  if (size !== null && Math.max(size.width, size.height) > MAX_SIDE)
    problem("size", `is [${size.width}, ${size.height}]; at most ${MAX_SIDE} a side can be fed`);
  return { size, multipleOf: entry.multiple_of ?? 1 };
}

/** Whether the entry agrees with a side that the file fixes. */
const allows = (fixed: number | null, wanted: number | undefined, { size }: SizeEntry): boolean =>
  fixed === null || size === undefined || wanted === fixed;

/** The size that the tensor's dimensions fix; null where a side is free. */
export function fixedSize(tensor: TensorSignature, layout: Layout): Size | null {
  const { width, height } = fixedSides(tensor, layout);
  return width === null || height === null ? null : { width, height };
}

function fixedSides({ dims }: TensorSignature, layout: Layout) {
  const side = (name: "w" | "h"): number | null => {
    const dim = dims?.[layout.indexOf(name)];
    return typeof dim === "number" ? dim : null;
  };
  return { width: side("w"), height: side("h") };
}

/** The dimension of 3 (or 1) is the channel; where there is none, channels come first, as in PyTorch. */
export function layoutOf({ dims }: TensorSignature): Layout | null {
  if (dims === null) return "nchw";
  if (dims.length !== 3 && dims.length !== 4) return null;
  const first = dims[dims.length - 3];
  const last = dims[dims.length - 1];
  const channelsLast = isDepth(last) && !isDepth(first) && first !== "C";
  if (dims.length === 4) return channelsLast ? "nhwc" : "nchw";
  return channelsLast ? "hwc" : "chw";
}

const isDepth = (dim: number | string | undefined): boolean => dim === 1 || dim === 3;

export const isPixelType = (dtype: string | null): dtype is PixelType =>
  dtype === "float32" || dtype === "float16" || dtype === "uint8" || dtype === "int8";
