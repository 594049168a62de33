/** Builds small graphs with the patterns that graph-fusion.ts rewrites, and variants that it must leave alone. */
import { create } from "@bufbuild/protobuf";
import { TensorProto_DataType, TensorProtoSchema } from "onnx-buf";
import { GraphBuilder, type Value } from "../../src/engine/models/graph-builder.ts";

/** `x` is [n, 5, height, width]; the weights are the same in every run. */
export const INPUT_CHANNELS = 5;

export interface NormVariant {
  square?: "power" | "product";
  inverse?: "quotient" | "one over" | "reciprocal";
  mean?: "reduced" | "pooled";
  affine?: "constant" | "computed" | "one for all" | "scale only" | "none";
  axes?: readonly number[];
  epsilon?: readonly number[];
  /** A second output of the graph, by the name of an intermediate value. */
  alsoOutput?: "deviation" | "variance" | "normalised";
  /** The normalised value is not made by a convolution. */
  withoutConv?: boolean;
  opset?: number;
}

/** An instance normalisation that is written out, between a convolution and a Relu. */
export function normGraph(variant: NormVariant = {}): Uint8Array {
  const opset = variant.opset ?? 17;
  const graph = new GraphBuilder({ opset });
  const number = (element: number): Value => graph.constant("float32", [], [element]);
  const mean = (of: Value): Value => {
    if (variant.mean === "pooled") return graph.node("GlobalAveragePool", [of]);
    const axes = variant.axes ?? [2, 3];
    return opset < 18
      ? graph.node("ReduceMean", [of], { axes: axes.map(BigInt), keepdims: 1n })
      : graph.node("ReduceMean", [of, graph.constant("int64", [axes.length], axes)]);
  };
  const input = graph.input("x", "float32", ["n", INPUT_CHANNELS, "h", "w"]);
  const channels = variant.withoutConv === true ? INPUT_CHANNELS : 6;
  const x = variant.withoutConv === true ? graph.node("Relu", [input]) : conv(graph, input, 6, 3);

  const deviation = graph.node("Sub", [x, mean(x)]);
  const square =
    variant.square === "product"
      ? graph.node("Mul", [deviation, deviation])
      : graph.node("Pow", [deviation, number(2)]);
  const variance = mean(square);
  const epsilon = variant.epsilon ?? [1e-3];
  const root = graph.node("Sqrt", [
    graph.node("Add", [variance, graph.constant("float32", [epsilon.length, 1, 1], epsilon)]),
  ]);
  const normalised = normalise(graph, deviation, root, variant.inverse);
  graph.output(
    "y",
    graph.node("Relu", [affine(graph, normalised, channels, variant.affine)]),
    "float32",
    ["n", channels, "h", "w"],
  );
  if (variant.alsoOutput !== undefined) {
    const intermediate = { deviation, variance, normalised }[variant.alsoOutput];
    graph.output("also", intermediate, "float32", ["n", channels, "p", "q"]);
  }
  return graph.build("norm");
}

function normalise(
  graph: GraphBuilder,
  deviation: Value,
  root: Value,
  inverse: NormVariant["inverse"],
): Value {
  if (inverse === "reciprocal")
    return graph.node("Mul", [graph.node("Reciprocal", [root]), deviation]);
  if (inverse !== "one over") return graph.node("Div", [deviation, root]);
  const one = graph.constant("float32", [], [1]);
  return graph.node("Mul", [deviation, graph.node("Div", [one, root])]);
}

function affine(
  graph: GraphBuilder,
  normalised: Value,
  channels: number,
  kind: NormVariant["affine"] = "constant",
): Value {
  if (kind === "none") return normalised;
  const vector = (seed: number): Value => {
    if (kind === "one for all") {
      const single = graph.node("Relu", [graph.constant("float32", [1], [seed])]);
      return graph.node("Reshape", [single, graph.constant("int64", [4], [1, -1, 1, 1])]);
    }
    if (kind !== "computed")
      return graph.constant("float32", [1, channels, 1, 1], wave(channels, seed));
    const computed = graph.node("Sigmoid", [
      graph.constant("float32", [channels], wave(channels, seed)),
    ]);
    return graph.node("Reshape", [computed, graph.constant("int64", [4], [1, -1, 1, 1])]);
  };
  const scaled = graph.node("Mul", [normalised, vector(1)]);
  return kind === "scale only" ? scaled : graph.node("Add", [vector(2), scaled]);
}

export interface UpsampleVariant {
  border?: "reflect" | "edge" | "constant" | "torch" | "in the convolution";
  scales?: readonly number[];
  position?: string;
  rounding?: string;
  mode?: string;
  kernel?: number;
  outputs?: number;
  pads?: readonly number[];
  /** The enlarged picture is an output, too. */
  alsoOutput?: boolean;
  opset?: number;
}

/** An enlargement, a border and a convolution. */
export function upsampleGraph(variant: UpsampleVariant = {}): Uint8Array {
  const opset = variant.opset ?? 17;
  const graph = new GraphBuilder({ opset });
  const input = graph.input("x", "float32", ["n", INPUT_CHANNELS, "h", "w"]);
  const scales = graph.constant("float32", [4], variant.scales ?? [1, 1, 2, 2]);
  const mode = variant.mode ?? "nearest";
  const large =
    opset < 11
      ? graph.node(opset < 10 ? "Upsample" : "Resize", [input, scales], { mode })
      : graph.node("Resize", [input, "" as Value, scales], {
          mode,
          coordinate_transformation_mode: variant.position ?? "asymmetric",
          nearest_mode: variant.rounding ?? "floor",
        });
  const kernel = variant.kernel ?? 3;
  const { border = "reflect" } = variant;
  const inside = border === "in the convolution";
  const padded = inside ? large : pad(graph, large, border, variant.pads ?? [1, 1], opset);
  const outputs = variant.outputs ?? 3;
  const drawn = conv(graph, padded, outputs, kernel, inside ? (kernel - 1) / 2 : 0);
  graph.output("y", drawn, "float32", ["n", outputs, "p", "q"]);
  if (variant.alsoOutput === true)
    graph.output("also", large, "float32", ["n", INPUT_CHANNELS, "p", "q"]);
  return graph.build("upsample");
}

function pad(
  graph: GraphBuilder,
  from: Value,
  border: "reflect" | "edge" | "constant" | "torch",
  [vertical = 0, horizontal = 0]: readonly number[],
  opset: number,
): Value {
  const pads = [0, 0, vertical, horizontal, 0, 0, vertical, horizontal];
  const mode = border === "torch" ? "reflect" : border;
  if (opset < 11) return graph.node("Pad", [from], { mode, pads: pads.map(BigInt) });
  const list =
    border === "torch"
      ? torchPads(graph, [horizontal, horizontal, vertical, vertical])
      : graph.constant("int64", [8], pads);
  return graph.node("Pad", [from, list], { mode });
}

/** The computation that PyTorch's exporter writes for pads of the last two dimensions. */
function torchPads(graph: GraphBuilder, list: readonly number[]): Value {
  const ints = (...values: number[]): Value => graph.constant("int64", [values.length], values);
  const zero = create(TensorProtoSchema, {
    dataType: TensorProto_DataType.INT64,
    dims: [1n],
    int64Data: [0n],
  });
  const zeros = graph.node("ConstantOfShape", [ints(4)], { value: zero });
  const pairs = graph.node("Reshape", [
    graph.node("Concat", [ints(...list), zeros], { axis: 0n }),
    ints(-1, 2),
  ]);
  const reversed = graph.node("Slice", [pairs, ints(-1), ints(-(2 ** 53)), ints(0), ints(-1)]);
  const flat = graph.node("Reshape", [
    graph.node("Transpose", [reversed], { perm: [1n, 0n] }),
    ints(-1),
  ]);
  return graph.cast(flat, "int64");
}

export interface NarrowVariant {
  outputs?: number;
  kernel?: readonly [number, number];
  pads?: readonly number[];
  bias?: boolean;
  /** Height and width of the input, and those that the file declares for the output; free by default. */
  size?: readonly [number, number];
  declared?: readonly [number, number];
  attributes?: Record<string, bigint | string | readonly bigint[]>;
  opset?: number;
}

/** A convolution with few output channels. */
export function narrowGraph(variant: NarrowVariant = {}): Uint8Array {
  const graph = new GraphBuilder({ opset: variant.opset ?? 17 });
  const input = graph.input(
    "x",
    "float32",
    variant.size ? [1, INPUT_CHANNELS, ...variant.size] : ["n", INPUT_CHANNELS, "h", "w"],
  );
  const { outputs = 3, kernel = [5, 5] } = variant;
  const dims = [outputs, INPUT_CHANNELS, ...kernel];
  const weights = graph.constant(
    "float32",
    dims,
    wave(
      dims.reduce((a, b) => a * b),
      3,
    ),
  );
  const bias =
    variant.bias === true ? [graph.constant("float32", [outputs], wave(outputs, 4))] : [];
  const drawn = graph.node("Conv", [input, weights, ...bias], {
    ...(variant.pads && { pads: variant.pads.map(BigInt) }),
    ...variant.attributes,
  });
  const dimensions = variant.declared ?? ["p", "q"];
  graph.output("y", drawn, "float32", [variant.size ? 1 : "n", outputs, ...dimensions]);
  return graph.build("narrow");
}

function conv(graph: GraphBuilder, from: Value, outputs: number, kernel: number, pads = 0): Value {
  const dims = [outputs, INPUT_CHANNELS, kernel, kernel];
  const weights = graph.constant("float32", dims, wave(outputs * INPUT_CHANNELS * kernel ** 2, 5));
  const bias = graph.constant("float32", [outputs], wave(outputs, 6));
  return graph.node("Conv", [from, weights, bias], {
    pads: new Array<bigint>(4).fill(BigInt(pads)),
  });
}

/** Numbers between -1 and 1 without a pattern that a wrong order could hide in. */
export const wave = (length: number, seed: number): number[] =>
  Array.from({ length }, (_, index) => Math.sin((index + 1) * (seed + 0.7) * 12.9898));
