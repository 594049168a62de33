/** Maps of one value a pixel: how outputs that hold one are read from their tensor and drawn over the video frame. */
import { type Static, Type } from "@sinclair/typebox";
import { literals } from "../../../schema.ts";
import { type GraphBuilder, type Value, value } from "../graph-builder.ts";
import type { ElementType } from "../tensor-signature.ts";
import { describeTensor } from "../tensor-signature.ts";
import { clamped, fromLayout } from "./pixel-graph.ts";
import { Layout, layoutOf } from "./pixels.ts";
import type { Binding, Port } from "./role.ts";

/** Fields of map outputs. */
export const MAP_FIELDS = {
  layout: Type.Optional(Layout),
  /** Which channel holds the map; 0 by default. */
  channel: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Makes probabilities of raw scores; softmax is over the channels. */
  activation: Type.Optional(literals(["none", "sigmoid", "softmax"])),
};
const MapEntry = Type.Object(MAP_FIELDS);

export interface MapPort extends Port {
  readonly dtype: ElementType;
  readonly layout: Layout;
  readonly channel: number;
  readonly activation: "none" | "sigmoid" | "softmax";
}

/** Maps of three dimensions are `[batch, height, width]` unless the entry says otherwise. */
export function bindMap(
  { tensor, problem, batched }: Pick<Binding<unknown>, "tensor" | "problem" | "batched">,
  entry: Static<typeof MapEntry>,
): Omit<MapPort, "role"> {
  const { name, dtype, dims } = tensor;
  const layout = entry.layout ?? mapLayout(tensor.dims?.length) ?? layoutOf(tensor);
  if (dtype === null || layout === null || (dims !== null && dims.length !== layout.length)) {
    const given = entry.layout === undefined ? "" : `with layout "${entry.layout}" `;
    problem("", `${given}does not have the shape of a map: ${describeTensor(tensor)}`);
  }
  const channel = entry.channel ?? 0;
  const at = layout?.indexOf("c") ?? -1;
  const depth = at < 0 ? 1 : dims?.[at];
  if (typeof depth === "number" && channel >= depth) {
    problem("channel", `is ${channel} but the tensor has ${depth}: ${describeTensor(tensor)}`);
  }
  return {
    tensor: name,
    batched,
    dtype: dtype ?? "float32",
    layout: layout ?? "nchw",
    channel,
    activation: entry.activation ?? "none",
  };
}

const mapLayout = (rank: number | undefined): Layout | null => {
  if (rank === 2) return "hw";
  return rank === 3 ? "nhw" : null;
};

/** float32 `[N, 1, height, width]` of the model's own values. */
export function mapOf(graph: GraphBuilder, port: MapPort): Value {
  const raw = value(port.tensor);
  const floats = port.dtype === "float32" ? raw : graph.cast(raw, "float32");
  const placed = fromLayout(graph, floats, port.layout);
  const scores = port.activation === "softmax" ? channelSoftmax(graph, placed) : placed;
  const channel = graph.constant("int64", [1], [port.channel]);
  const one = port.layout.includes("c")
    ? graph.node("Gather", [scores, channel], { axis: 1n })
    : scores;
  return port.activation === "sigmoid" ? graph.node("Sigmoid", [one]) : one;
}

/** Softmax over the channels of `[N, C, h, w]`. Before operator set 13 it is over all dimensions from its axis on. */
function channelSoftmax(graph: GraphBuilder, scores: Value): Value {
  if (graph.opset >= 13) return graph.node("Softmax", [scores], { axis: 1n });
  const last = graph.node("Transpose", [scores], { perm: [0n, 2n, 3n, 1n] });
  const probabilities = graph.node("Softmax", [last], { axis: 3n });
  return graph.node("Transpose", [probabilities], { perm: [0n, 3n, 1n, 2n] });
}

/** Scaled linearly so that `from` becomes 0 and `to` 1, and cut off there; what is not a number becomes 0. Bounds broadcast. */
export function normalised(graph: GraphBuilder, map: Value, from: Value, to: Value): Value {
  const span = graph.node("Sub", [to, from]);
  const least = graph.constant("float32", [], [1e-6]);
  // A span may be negative: then high values are dark. Only an empty one must not divide.
  const sign = graph.node("Sign", [
    graph.node("Add", [span, graph.constant("float32", [], [1e-12])]),
  ]);
  const safe = graph.node("Mul", [sign, graph.node("Max", [graph.node("Abs", [span]), least])]);
  const share = graph.node("Div", [graph.node("Sub", [map, from]), safe]);
  const zero = graph.constant("float32", [], [0]);
  return clamped(graph, graph.node("Where", [graph.node("IsNaN", [share]), zero, share]), 0, 1);
}

/** The least or greatest value of each map, `[N, 1, 1, 1]`: other items of a batch have no part in it. */
export function extremeOf(graph: GraphBuilder, op: "ReduceMin" | "ReduceMax", map: Value): Value {
  // The axes moved from an attribute to an input in operator set 18.
  return graph.opset < 18
    ? graph.node(op, [map], { axes: [1n, 2n, 3n] })
    : graph.node(op, [map, graph.constant("int64", [3], [1, 2, 3])]);
}

/** Resizes `[N, C, h, w]` floats bilinearly to the height and width of `like`. */
export function resizedLike(graph: GraphBuilder, from: Value, like: Value): Value {
  const shape = (of: Value, start: number): Value =>
    graph.node("Slice", [
      graph.node("Shape", [of]),
      graph.constant("int64", [1], [start]),
      graph.constant("int64", [1], [start + 2]),
    ]);
  const sizes = graph.node("Concat", [shape(from, 0), shape(like, 2)], { axis: 0n });
  // The inputs before the sizes became optional in operator set 13.
  const absent = graph.opset < 13 ? graph.constant("float32", [0], []) : ("" as Value);
  const halfPixel = { mode: "linear", coordinate_transformation_mode: "half_pixel" };
  return graph.node("Resize", [from, absent, absent, sizes], halfPixel);
}

/** `from` where `share` is 0, `to` where it is 1; float32. */
export function mixed(graph: GraphBuilder, from: Value, to: Value, share: Value): Value {
  const difference = graph.node("Sub", [to, from]);
  return graph.node("Add", [from, graph.node("Mul", [difference, share])]);
}

/** float32 samples from 0 to 255 as a uint8 picture. */
export function asPicture(graph: GraphBuilder, samples: Value): Value {
  const half = graph.node("Add", [samples, graph.constant("float32", [], [0.5])]);
  return graph.cast(clamped(graph, half, 0, 255), "uint8");
}
