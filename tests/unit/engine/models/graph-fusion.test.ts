import { expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type ModelProto,
  ModelProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { GraphBuilder } from "../../../../src/engine/models/graph-builder.ts";
import { fuse } from "../../../../src/engine/models/graph-fusion.ts";
import { parseGraph } from "../../../../src/engine/models/tensor-signature.ts";
import { type AttentionVariant, attentionGraph } from "../../../support/attention-graph.ts";
import {
  type NarrowVariant,
  type NormVariant,
  narrowGraph,
  normGraph,
  type UpsampleVariant,
  upsampleGraph,
} from "../../../support/fusible-graphs.ts";

/** The operators of a graph in their order, without constants and renamings. */
const operators = ({ graph }: ModelProto): string =>
  (graph?.node ?? [])
    .map(({ opType }) => opType)
    .filter((op) => op !== "Constant" && op !== "Identity")
    .join(" ");

function fused(bytes: Uint8Array): string {
  const model = parseGraph(bytes);
  fuse(model);
  return operators(model);
}

function expectUntouched(model: ModelProto): void {
  const before = toBinary(ModelProtoSchema, model);
  fuse(model);
  expect(Buffer.compare(toBinary(ModelProtoSchema, model), before)).toBe(0);
}

const NORM = "Conv Reshape Reshape InstanceNormalization Relu";

test.each<[string, NormVariant, string]>([
  ["constant scale and shift", {}, NORM],
  ["a square by multiplication", { square: "product" }, NORM],
  ["a reciprocal", { inverse: "reciprocal" }, NORM],
  ["one over the root", { inverse: "one over", square: "product" }, NORM],
  ["pooled means", { mean: "pooled" }, NORM],
  ["axes from the end", { axes: [-1, -2] }, NORM],
  ["axes as an input", { opset: 18 }, NORM],
  ["an old operator set", { opset: 9 }, NORM],
  ["a scale alone", { affine: "scale only" }, "Conv Reshape InstanceNormalization Relu"],
  ["neither scale nor shift", { affine: "none" }, "Conv InstanceNormalization Relu"],
  [
    "a computed scale and shift",
    { affine: "computed" },
    "Conv Sigmoid Sigmoid Reshape Expand Reshape Expand InstanceNormalization Relu",
  ],
])("an instance normalisation with %s becomes one node", (_, variant, expected) => {
  expect(fused(normGraph(variant))).toBe(expected);
});

test.each<[string, NormVariant]>([
  ["means over one axis", { axes: [3] }],
  ["means that include the channels", { axes: [1, 2, 3] }],
  ["an epsilon for each channel", { epsilon: [1, 2, 3, 4, 5, 6] }],
  ["the deviation used elsewhere", { alsoOutput: "deviation" }],
  ["the variance used elsewhere", { alsoOutput: "variance" }],
  ["an unknown number of channels", { withoutConv: true }],
  ["an operator set before 9", { opset: 8 }],
])("%s keeps the normalisation as it is", (_, variant) => {
  expectUntouched(parseGraph(normGraph(variant)));
});

test("a normalised value that is used elsewhere keeps its scale and shift outside", () => {
  expect(fused(normGraph({ alsoOutput: "normalised" }))).toBe(
    "Conv InstanceNormalization Mul Add Relu",
  );
});

test.each<[string, AttentionVariant]>([
  ["a scale", {}],
  ["a scale on the left", { scaling: "factor first" }],
  ["a divisor", { scaling: "quotient" }],
  ["a scale on both sides, as PyTorch exports it today", { scaling: "root of both sides" }],
  ["heads apart", { heads: "apart", scaling: "root of both sides" }],
  ["neither scale nor mask", { scaling: "none" }],
  ["an empty mask", { mask: "zeros" }],
  ["an empty mask on the left", { mask: "zeros first" }],
  ["an empty mask as diffusers exports it", { mask: "others times 0", casts: true }],
])("an attention with %s keeps no matrix of all pairs", (_, variant) => {
  const operators = fused(attentionGraph(variant));
  expect(operators).toContain("MultiHeadAttention");
  expect(operators).not.toContain("Softmax");
});

test.each<[string, AttentionVariant]>([
  ["a mask", { mask: "causal" }],
  ["shares over the queries", { axis: 1 }],
  ["shares used elsewhere", { alsoOutput: true }],
  ["half precision", { halfWeight: true }],
  ["queries that are the same for all pictures", { constantQuery: true }],
  ["an operator set before 13", { opset: 12 }],
])("%s keeps the attention as it is", (_, variant) => {
  expectUntouched(parseGraph(attentionGraph(variant)));
});

test("a graph with a fused attention imports the operators that it uses, once", () => {
  const model = parseGraph(attentionGraph());
  fuse(model);
  fuse(model);
  expect(model.opsetImport.map(({ domain }) => domain)).toEqual(["", "com.microsoft"]);
});

test.each<[string, UpsampleVariant, string]>([
  ["a reflected border", {}, "Pad Conv DepthToSpace"],
  ["a repeated border", { border: "edge" }, "Pad Conv DepthToSpace"],
  ["a border as PyTorch writes it", { border: "torch" }, "Pad Conv DepthToSpace"],
  ["many channels", { outputs: 40 }, "Pad Conv DepthToSpace"],
  ["zeros around it", { border: "in the convolution" }, "Conv DepthToSpace"],
  [
    "centred samples",
    { position: "half_pixel", rounding: "round_prefer_floor" },
    "Pad Conv DepthToSpace",
  ],
  ["operator set 10", { opset: 10 }, "Pad Conv DepthToSpace"],
  ["Upsample", { opset: 9 }, "Pad Conv DepthToSpace"],
])("an enlargement with %s is computed by the convolution", (_, variant, expected) => {
  expect(fused(upsampleGraph(variant))).toBe(expected);
});

test.each<[string, UpsampleVariant]>([
  ["three times the size", { scales: [1, 1, 3, 3] }],
  ["twice the width alone", { scales: [1, 1, 1, 2] }],
  ["interpolation", { mode: "linear" }],
  ["samples that are not taken twice", { position: "half_pixel", rounding: "floor" }],
  ["corners that are aligned", { position: "align_corners" }],
  ["a border of zeros", { border: "constant" }],
  ["a wider border", { pads: [2, 2] }],
  ["a border above and below alone", { pads: [1, 0] }],
  ["a larger kernel", { kernel: 5, pads: [2, 2], outputs: 8 }],
  ["many channels that stay in blocked layout", { border: "in the convolution", outputs: 9 }],
  ["an enlarged picture that is used elsewhere", { alsoOutput: true, outputs: 5 }],
])("%s keeps the enlargement", (_, variant) => {
  const model = parseGraph(upsampleGraph({ outputs: 5, ...variant }));
  expectUntouched(model);
});

const NARROW = "Conv DepthToSpace Shape Slice Add Slice";

test.each<[string, NarrowVariant]>([
  ["three channels", {}],
  ["one channel", { outputs: 1 }],
  ["a bias", { bias: true }],
  ["pads", { pads: [1, 2, 0, 1] }],
  ["an uneven kernel", { kernel: [3, 7] }],
  ["operator set 10", { opset: 10 }],
])("a convolution to %s is computed for blocks of pixels", (_, variant) => {
  expect(fused(narrowGraph(variant))).toBe(NARROW);
});

/** The graph, whose convolution makes the output itself. */
function withoutRenaming(bytes: Uint8Array): Uint8Array {
  const model = parseGraph(bytes);
  const nodes = model.graph?.node ?? [];
  const conv = nodes.find(({ opType }) => opType === "Conv");
  if (conv === undefined) throw new Error("no convolution");
  conv.output = ["y"];
  if (model.graph) model.graph.node = nodes.filter(({ opType }) => opType !== "Identity");
  return toBinary(ModelProtoSchema, model);
}

test("nothing is cropped where the file fixes an even size", () => {
  const fixed: NarrowVariant = { size: [12, 16], declared: [8, 12], opset: 9 };
  expect(fused(withoutRenaming(narrowGraph(fixed)))).toBe("Conv DepthToSpace");
});

test.each<[string, NarrowVariant]>([
  ["an odd size", { size: [12, 15], declared: [8, 11] }],
  ["the size of an example", { declared: [8, 12] }],
])("%s is cropped", (_, variant) => {
  expect(fused(withoutRenaming(narrowGraph(variant)))).toBe(NARROW);
});

test.each<[string, NarrowVariant]>([
  ["more than four channels", { outputs: 5 }],
  ["few weights", { kernel: [3, 3] }],
  ["a stride", { attributes: { strides: [2n, 2n] } }],
  ["a dilation", { attributes: { dilations: [2n, 1n] } }],
  ["automatic pads", { attributes: { auto_pad: "SAME_UPPER" } }],
  ["an operator set before 10", { opset: 9 }],
])("%s keeps the convolution", (_, variant) => {
  expectUntouched(parseGraph(narrowGraph(variant)));
});

test.each([
  ["a normalisation", normGraph({ affine: "computed" })],
  ["an enlargement", upsampleGraph({ outputs: 1 })],
  ["a narrow convolution", narrowGraph()],
])("%s that was fused is not fused again", (_, bytes) => {
  const model = parseGraph(bytes);
  fuse(model);
  expectUntouched(model);
});

test.each(["Conv", "Sub", "Pow", "Sqrt", "Div"])(
  "a %s of another domain is not taken for ONNX's",
  (op) => {
    const model = parseGraph(normGraph({ affine: "none" }));
    for (const node of model.graph?.node ?? []) if (node.opType === op) node.domain = "com.example";
    expectUntouched(model);
  },
);

test("an epsilon that adds a dimension keeps the normalisation as it is", () => {
  const model = parseGraph(normGraph({ affine: "none" }));
  for (const { attribute } of model.graph?.node ?? []) {
    const tensor = attribute[0]?.t;
    if (tensor?.dims.join() === "1,1,1") tensor.dims = [1n, 1n, 1n, 1n, 1n];
  }
  expectUntouched(model);
});

test("a value that a branch uses stays", () => {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", ["n", 1, "h", "w"]);
  const scales = graph.constant("float32", [4], [1, 1, 2, 2]);
  const large = graph.node("Resize", [x, graph.constant("float32", [0], []), scales], {
    mode: "nearest",
    coordinate_transformation_mode: "asymmetric",
    nearest_mode: "floor",
  });
  const weights = graph.constant("float32", [5, 1, 3, 3], new Array<number>(45).fill(1));
  const drawn = graph.node("Conv", [large, weights], { pads: [1n, 1n, 1n, 1n] });
  const chosen = graph.when(
    graph.constant("bool", [1], [1]),
    () => graph.node("Relu", [large]),
    () => graph.node("Neg", [large]),
  );
  graph.output("y", drawn, "float32", ["n", 5, "p", "q"]);
  graph.output("z", chosen, "float32", ["n", 1, "p", "q"]);
  expectUntouched(parseGraph(graph.build("branch")));
});

/** The narrow convolution, with its weights as an initializer. */
function withInitializer(): ModelProto {
  const model = parseGraph(narrowGraph());
  const { graph } = model;
  const constant = graph?.node.find(({ opType }) => opType === "Constant");
  const tensor = constant?.attribute[0]?.t;
  if (graph === undefined || constant === undefined || tensor === undefined)
    throw new Error("no weights");
  graph.node = graph.node.filter((node) => node !== constant);
  graph.initializer.push(create(TensorProtoSchema, { ...tensor, name: constant.output[0] ?? "" }));
  return model;
}

test("weights may be an initializer, which is removed with its last user", () => {
  const model = withInitializer();
  fuse(model);
  expect(operators(model)).toBe(NARROW);
  expect(model.graph?.initializer).toEqual([]);
});

test("weights that a caller may replace are left alone", () => {
  const model = withInitializer();
  const name = model.graph?.initializer[0]?.name ?? "";
  model.graph?.input.push(create(ValueInfoProtoSchema, { name }));
  expectUntouched(model);
});

test("weights in another file are left alone", () => {
  const model = withInitializer();
  for (const tensor of model.graph?.initializer ?? []) {
    tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
    tensor.rawData = new Uint8Array();
  }
  expectUntouched(model);
});

test("names of the graph are not used again", () => {
  const model = parseGraph(normGraph());
  const [first] = model.graph?.node ?? [];
  if (first !== undefined) first.name = "fused/0/0";
  fuse(model);
  const names = model.graph?.node.flatMap(({ name, output }) => [name, ...output]) ?? [];
  expect(new Set(names).size).toBe(names.length);
});
