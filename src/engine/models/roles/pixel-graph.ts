/** Converts between uint8 RGB pictures and picture tensors inside graphs, so that JavaScript never touches a pixel. */
import type { GraphBuilder, Value } from "../graph-builder.ts";
import { luma } from "../luma.ts";
import type { Layout, PixelFormat } from "./pixels.ts";
import { depthOf } from "./pixels.ts";

/**
 * A picture tensor in `format` from a uint8 `[N, 3, height, width]`. Orders channels and layout while samples are bytes,
 * which moves a quarter of the memory, then converts values. `change` may alter the samples (float32, laid out) before
 * they get their type.
 */
export function fromPicture(
  graph: GraphBuilder,
  picture: Value,
  format: PixelFormat,
  change?: (samples: Value) => Value,
): Value {
  const [black, white] = format.range;
  const depth = depthOf(format.channels);
  const std = perChannel(format.std, depth);
  const mean = perChannel(format.mean, depth);
  const scale = std.map((each) => (white - black) / 255 / each);
  const offset = std.map((each, channel) => (black - (mean[channel] ?? 0)) / each);

  if (format.channels === "gray") {
    const gray = affine(graph, luma(graph, picture), [], scale, offset);
    const placed = toLayout(graph, gray, format.layout);
    return toType(graph, change?.(placed) ?? placed, format);
  }
  const ordered = format.channels === "bgr" ? reverseChannels(graph, picture) : picture;
  const placed = toLayout(graph, ordered, format.layout);
  if (format.dtype === "uint8" && change === undefined) return placed;
  const dims = format.layout.endsWith("c") ? [3] : [3, 1, 1];
  const scaled = affine(graph, graph.cast(placed, "float32"), dims, scale, offset);
  return toType(graph, change?.(scaled) ?? scaled, format);
}

/** float32 samples as the tensor's own type. */
function toType(graph: GraphBuilder, samples: Value, format: PixelFormat): Value {
  switch (format.dtype) {
    case "float32":
      return samples;
    case "float16":
      return graph.cast(samples, "float16");
    case "uint8":
      return graph.cast(clamped(graph, affine(graph, samples, [], [1], [0.5]), 0, 255), "uint8");
    case "int8": {
      const steps = affine(graph, samples, [], [1 / format.scale], [format.zeroPoint + 0.5]);
      return graph.cast(graph.node("Floor", [clamped(graph, steps, -128, 127)]), "int8");
    }
  }
}

/** A uint8 `[N, 3, height, width]` from a picture tensor in `format`. */
export function toPicture(graph: GraphBuilder, samples: Value, format: PixelFormat): Value {
  if (format.dtype === "uint8") {
    const planes = fromLayout(graph, samples, format.layout);
    return toRgb(graph, planes, format);
  }
  const [black, white] = format.range;
  const depth = depthOf(format.channels);
  const std = perChannel(format.std, depth);
  const mean = perChannel(format.mean, depth);
  const factor = 255 / (white - black);
  const scale = std.map((each) => each * factor);
  // Adding a half and truncating rounds in every operator set; Round needs version 11.
  const offset = mean.map((each) => (each - black) * factor + 0.5);
  const floats = toFloats(graph, samples, format);
  const dims = format.layout.endsWith("c") ? [depth] : [depth, 1, 1];
  const bytes = graph.cast(
    clamped(graph, affine(graph, floats, dims, scale, offset), 0, 255),
    "uint8",
  );
  return toRgb(graph, fromLayout(graph, bytes, format.layout), format);
}

/** The samples of any picture tensor as float32. */
function toFloats(graph: GraphBuilder, samples: Value, format: PixelFormat): Value {
  if (format.dtype === "float32") return samples;
  const floats = graph.cast(samples, "float32");
  if (format.dtype !== "int8") return floats;
  return affine(graph, floats, [], [format.scale], [-format.zeroPoint * format.scale]);
}

/** Between two values. Clip takes its bounds as inputs only from operator set 11 on. */
export function clamped(graph: GraphBuilder, samples: Value, low: number, high: number): Value {
  const above = graph.node("Max", [samples, graph.constant("float32", [], [low])]);
  return graph.node("Min", [above, graph.constant("float32", [], [high])]);
}

function toRgb(graph: GraphBuilder, planes: Value, { channels }: PixelFormat): Value {
  if (channels === "gray") return graph.node("Concat", [planes, planes, planes], { axis: 1n });
  return channels === "bgr" ? reverseChannels(graph, planes) : planes;
}

const perChannel = (values: readonly number[], depth: number): number[] =>
  Array.from({ length: depth }, (_, channel) => values[channel] ?? values[0] ?? 0);

/** `x · scale + offset`, without a multiplication by 1 or an addition of 0. Equal values need no dimensions. */
export function affine(
  graph: GraphBuilder,
  from: Value,
  dims: readonly number[],
  scale: readonly number[],
  offset: readonly number[],
): Value {
  const constant = (values: readonly number[]): Value => {
    const isOne = values.every((each) => each === values[0]);
    return isOne
      ? graph.constant("float32", [], [values[0] ?? 0])
      : graph.constant("float32", dims, values);
  };
  const scaled = scale.every((each) => each === 1) ? from : times(graph, from, scale, constant);
  return offset.every((each) => each === 0)
    ? scaled
    : graph.node("Add", [scaled, constant(offset)]);
}

/**
 * Divides where the divisor is a round number, as 255 is: x / 255 is exact to the last bit, x · (1 / 255) is not, and
 * quantised networks turn a last bit into a step.
 */
function times(
  graph: GraphBuilder,
  from: Value,
  scale: readonly number[],
  constant: (values: readonly number[]) => Value,
): Value {
  const divisors = scale.map((each) => Math.round(2 / each) / 2);
  const areRound = divisors.every(
    (divisor, at) => Math.abs(divisor * (scale[at] ?? 0) - 1) < 1e-12,
  );
  return areRound && divisors.every((divisor) => divisor > 1)
    ? graph.node("Div", [from, constant(divisors)])
    : graph.node("Mul", [from, constant(scale)]);
}

const reverseChannels = (graph: GraphBuilder, planes: Value): Value =>
  graph.node("Gather", [planes, graph.constant("int64", [3], [2, 1, 0])], { axis: 1n });

/** `[N, C, H, W]` in the order of `layout`; layouts without a batch or a channel lose that dimension. */
function toLayout(graph: GraphBuilder, planes: Value, layout: Layout): Value {
  switch (layout) {
    case "nchw":
      return planes;
    case "nhwc":
      return graph.transpose(planes, 0, 2, 3, 1);
    case "chw":
      return graph.squeeze(planes, 0);
    case "hwc":
      return graph.squeeze(toLayout(graph, planes, "nhwc"), 0);
    case "nhw":
      return graph.squeeze(planes, 1);
    case "hw":
      return graph.squeeze(graph.squeeze(planes, 1), 0);
  }
}

/** The reverse of `toLayout`. */
export function fromLayout(graph: GraphBuilder, samples: Value, layout: Layout): Value {
  switch (layout) {
    case "nchw":
      return samples;
    case "nhwc":
      return graph.transpose(samples, 0, 3, 1, 2);
    case "chw":
      return graph.unsqueeze(samples, 0);
    case "hwc":
      return fromLayout(graph, graph.unsqueeze(samples, 0), "nhwc");
    case "nhw":
      return graph.unsqueeze(samples, 1);
    case "hw":
      return graph.unsqueeze(graph.unsqueeze(samples, 0), 0);
  }
}
