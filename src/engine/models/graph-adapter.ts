/**
 * Adds pixel conversion to a model's graph: whatever layout, range, element type and channel order the model has,
 * the adapted graph takes and gives uint8 RGB `[1, 3, height, width]`, and JavaScript never touches a pixel.
 */
import { toBinary } from "@bufbuild/protobuf";
import { type GraphProto, type ModelProto, ModelProtoSchema } from "onnx-buf";
import { WorkerError } from "../../errors.ts";
import type { FrameFormat, ModelDefinition, PixelFormat } from "./definition.ts";
import { GraphBuilder, type Value, value, valueInfo } from "./graph-builder.ts";
import { luma } from "./luma.ts";
import type { Layout } from "./model-json.ts";
import { type ElementType, signatureOf } from "./tensor-signature.ts";

/** A graph that is ready for a session, and the names of its inputs and output. */
export interface AdaptedGraph {
  readonly bytes: Uint8Array;
  /** The input that takes the picture; null for models that draw without video. */
  readonly picture: string | null;
  /** The output that holds the picture. */
  readonly image: string;
  /** The inputs for the definition's scalars, in its order. */
  readonly scalars: readonly ScalarFeed[];
}

/** How one number enters the adapted graph. */
export interface ScalarFeed {
  /** The model's own tensor, as the definition names it. */
  readonly tensor: string;
  readonly input: string;
  readonly dtype: Exclude<ElementType, "float16">;
  readonly dims: readonly number[];
}

/** The first operator set in which Min and Max broadcast. */
const LOWEST_OPSET = 8;

/** Adapts `model` in place. Throws `model_failed` for a file without a graph, or with an operator set older than 8. */
export function adaptGraph(model: ModelProto, definition: ModelDefinition): AdaptedGraph {
  const { opset } = signatureOf(model);
  const { graph } = model;
  if (graph === undefined) throw new WorkerError("model_failed", "the ONNX file contains no graph");
  if (opset < LOWEST_OPSET) {
    throw new WorkerError(
      "model_failed",
      `the model uses operator set ${opset}; ${LOWEST_OPSET} or newer is needed: export it again with a newer one, ` +
        "or convert it with onnx.version_converter",
    );
  }
  const prefix = freePrefix(graph);
  const before = new GraphBuilder({ prefix: `${prefix}in/`, opset });
  const after = new GraphBuilder({ prefix: `${prefix}out/`, opset });
  const { frame, image } = definition;
  const edge = { picture: `${prefix}picture`, image: `${prefix}image` };

  if (frame !== null) {
    before.rename(pictureToTensor(before, value(edge.picture), frame), frame.tensor);
    graph.input = graph.input.filter(({ name }) => name !== frame.tensor);
    graph.input.unshift(
      valueInfo(edge.picture, "uint8", [1, 3, frame.size?.height ?? "H", frame.size?.width ?? "W"]),
    );
  }
  const scalars = definition.scalars.map(({ tensor, dtype, dims }): ScalarFeed => {
    if (dtype !== "float16") return { tensor, input: tensor, dtype, dims };
    // ONNX Runtime's half-precision tensors cannot be made from JavaScript: the number enters as float32.
    const input = `${prefix}scalar/${tensor}`;
    before.rename(before.cast(value(input), "float16"), tensor);
    graph.input = graph.input.filter(({ name }) => name !== tensor);
    graph.input.push(valueInfo(input, "float32", dims));
    return { tensor, input, dtype: "float32", dims };
  });
  after.rename(tensorToPicture(after, image), edge.image);
  graph.output = [valueInfo(edge.image, "uint8", ["batch", 3, "height", "width"])];
  graph.node.unshift(...before.nodes);
  graph.node.push(...after.nodes);
  return {
    bytes: toBinary(ModelProtoSchema, model),
    picture: frame === null ? null : edge.picture,
    image: edge.image,
    scalars,
  };
}

/** Orders channels and layout while samples are bytes, which moves a quarter of the memory, then converts values. */
function pictureToTensor(graph: GraphBuilder, picture: Value, format: FrameFormat): Value {
  const depth = format.channels === "gray" ? 1 : 3;
  const [black, white] = format.range;
  const std = perChannel(format.std, depth);
  const mean = perChannel(format.mean, depth);
  const scale = std.map((each) => (white - black) / 255 / each);
  const offset = std.map((each, channel) => (black - (mean[channel] ?? 0)) / each);

  if (format.channels === "gray") {
    const [factor = 1] = scale;
    const [shift = 0] = offset;
    const half = format.dtype === "uint8" ? 0.5 : 0; // a cast truncates
    const gray = affine(graph, luma(graph, picture), [], [factor], [shift + half]);
    const typed = format.dtype === "float32" ? gray : graph.cast(gray, format.dtype);
    return toLayout(graph, typed, format.layout);
  }
  const ordered = format.channels === "bgr" ? reverseChannels(graph, picture) : picture;
  const placed = toLayout(graph, ordered, format.layout);
  if (format.dtype === "uint8") return placed;
  const dims = format.layout.endsWith("c") ? [3] : [3, 1, 1];
  const floats = graph.cast(placed, "float32");
  const scaled = affine(graph, floats, dims, scale, offset);
  return format.dtype === "float32" ? scaled : graph.cast(scaled, format.dtype);
}

/** Scales, rounds and clamps first, while a gray picture has one channel; orders layout and channels as bytes. */
function tensorToPicture(graph: GraphBuilder, format: PixelFormat): Value {
  const [black, white] = format.range;
  let samples = value(format.tensor);
  if (format.dtype !== "uint8") {
    if (format.dtype !== "float32") samples = graph.cast(samples, "float32");
    const scale = 255 / (white - black);
    // Adding a half and truncating rounds in every operator set; Round needs version 11.
    samples = affine(graph, samples, [], [scale], [0.5 - black * scale]);
    samples = graph.node("Max", [samples, graph.constant("float32", [], [0])]);
    samples = graph.node("Min", [samples, graph.constant("float32", [], [255])]);
    samples = graph.cast(samples, "uint8");
  }
  const planes = fromLayout(graph, samples, format.layout);
  if (format.channels === "gray") {
    return graph.node("Concat", [planes, planes, planes], { axis: 1n });
  }
  return format.channels === "bgr" ? reverseChannels(graph, planes) : planes;
}

const perChannel = (values: readonly number[], depth: number): number[] =>
  Array.from({ length: depth }, (_, channel) => values[channel] ?? values[0] ?? 0);

/** `x · scale + offset`, without a multiplication by 1 or an addition of 0. */
function affine(
  graph: GraphBuilder,
  from: Value,
  dims: readonly number[],
  scale: readonly number[],
  offset: readonly number[],
): Value {
  const scaled = scale.every((each) => each === 1)
    ? from
    : graph.node("Mul", [from, graph.constant("float32", dims, scale)]);
  return offset.every((each) => each === 0)
    ? scaled
    : graph.node("Add", [scaled, graph.constant("float32", dims, offset)]);
}

const reverseChannels = (graph: GraphBuilder, planes: Value): Value =>
  graph.node("Gather", [planes, graph.constant("int64", [3], [2, 1, 0])], { axis: 1n });

function toLayout(graph: GraphBuilder, planes: Value, layout: Layout): Value {
  const placed = layout.endsWith("c")
    ? graph.node("Transpose", [planes], { perm: [0n, 2n, 3n, 1n] })
    : planes;
  return layout.length === 3 ? graph.squeeze(placed, 0) : placed;
}

function fromLayout(graph: GraphBuilder, samples: Value, layout: Layout): Value {
  const batched = layout.length === 3 ? graph.unsqueeze(samples, 0) : samples;
  return layout.endsWith("c")
    ? graph.node("Transpose", [batched], { perm: [0n, 3n, 1n, 2n] })
    : batched;
}

/** A prefix of no name in the graph or in the subgraphs of its nodes. */
function freePrefix(graph: GraphProto): string {
  const names = [...namesIn(graph)];
  let prefix = "byoc/";
  while (names.some((name) => name.startsWith(prefix))) prefix = `byoc-${prefix}`;
  return prefix;
}

function* namesIn(graph: GraphProto): Generator<string> {
  for (const { name } of [...graph.input, ...graph.output, ...graph.initializer]) yield name;
  for (const node of graph.node) {
    yield node.name;
    yield* node.input;
    yield* node.output;
    for (const { g, graphs } of node.attribute) {
      for (const inner of g === undefined ? graphs : [g, ...graphs]) yield* namesIn(inner);
    }
  }
}
