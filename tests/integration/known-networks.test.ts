/**
 * Entries of well-known networks that never ran here, on tiny graphs of the same signature: each draft runs as it is, with
 * the sizes, states and values that it states.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { GraphBuilder, type Value } from "../../src/engine/models/graph-builder.ts";
import type { ElementType } from "../../src/engine/models/tensor-signature.ts";
import { checkModel } from "../../src/workspace/check.ts";
import { initModel } from "../../src/workspace/init.ts";
import { CommandRun } from "../support/command-run.ts";

setDefaultTimeout(60_000);

type Dims = readonly (number | string)[];

const constant = (graph: GraphBuilder, ...values: number[]): Value =>
  graph.constant("float32", values.length === 1 ? [] : [values.length], values);

/** The mean of the channels, from 0 to 1, of samples that are `(value − mean) / std`. */
const gray = (graph: GraphBuilder, x: Value, std = 1, mean = 0): Value => {
  const average = graph.node("ReduceMean", [x], { axes: [1n], keepdims: 1n });
  const scaled = graph.node("Mul", [average, constant(graph, std)]);
  return graph.node("Add", [scaled, constant(graph, mean)]);
};

/** One input and one output. */
function simple(
  [input, inDims]: readonly [string, Dims],
  [output, outDims]: readonly [string, Dims],
  body: (graph: GraphBuilder, x: Value) => Value,
): Uint8Array {
  const graph = new GraphBuilder({ opset: 17 });
  const x = graph.input(input, "float32", inDims);
  graph.output(output, body(graph, x), "float32", outDims);
  return graph.build("test");
}

/** Four states that begin as one zero each and grow to half the picture. */
function robustVideoMatting(type: ElementType): Uint8Array {
  const any = ["batch_size", "channels", "height", "width"];
  const graph = new GraphBuilder({ opset: 17 });
  const src = graph.input("src", type, ["batch_size", 3, "height", "width"]);
  const states = [1, 2, 3, 4].map((at) => graph.input(`r${at}i`, type, any));
  const ratio = graph.input("downsample_ratio", "float32", [1]);
  const half = { kernel_shape: [2n, 2n], strides: [2n, 2n] };
  const small = graph.node("AveragePool", [graph.cast(src, "float32")], half);
  const share = graph.node("Mul", [small, ratio]);
  graph.output("fgr", graph.node("Identity", [src]), type, ["batch_size", 3, "height", "width"]);
  const pha = graph.cast(gray(graph, graph.cast(src, "float32")), type);
  graph.output("pha", pha, type, ["batch_size", 1, "height", "width"]);
  for (const [at, state] of states.entries()) {
    const kept = graph.node("Mul", [graph.cast(state, "float32"), constant(graph, 0.5)]);
    const next = graph.cast(graph.node("Add", [kept, share]), type);
    graph.output(`r${at + 1}o`, next, type, any);
  }
  return graph.build("test");
}

function u2net(): Uint8Array {
  const graph = new GraphBuilder({ opset: 17 });
  const x = graph.input("input.1", "float32", [1, 3, 320, 320]);
  for (let at = 0; at < 7; at++) {
    graph.output(
      `${1959 + at}`,
      graph.node("Sigmoid", [gray(graph, x)]),
      "float32",
      [1, 1, 320, 320],
    );
  }
  return graph.build("test");
}

function yunet(): Uint8Array {
  const graph = new GraphBuilder({ opset: 17 });
  const x = graph.input("input", "float32", [1, 3, 640, 640]);
  const kinds = { cls: 1, obj: 1, bbox: 4, kps: 10 };
  for (const [kind, numbers] of Object.entries(kinds)) {
    for (const stride of [8, 16, 32]) {
      const window = {
        kernel_shape: [stride, stride].map(BigInt),
        strides: [stride, stride].map(BigInt),
      };
      const cells = graph.node("AveragePool", [gray(graph, x)], window);
      const shape = graph.constant("int64", [3], [1, -1, 1]);
      const list = graph.node("Reshape", [cells, shape]);
      const wide = graph.node(
        "Concat",
        Array.from({ length: numbers }, () => list),
        { axis: 2n },
      );
      graph.output(`${kind}_${stride}`, wide, "float32", [1, (640 / stride) ** 2, numbers]);
    }
  }
  return graph.build("test");
}

const NCHW: Dims = ["batch_size", 3, "height", "width"];

const NETWORKS: readonly (readonly [
  name: string,
  file: string,
  onnx: Uint8Array,
  shown: string,
])[] = [
  [
    "MODNet",
    "modnet.onnx",
    simple(["input", NCHW], ["output", ["batch_size", 1, "height", "width"]], (graph, x) =>
      gray(graph, x, 0.5, 0.5),
    ),
    "output  mask  0",
  ],
  ["Robust Video Matting", "rvm.onnx", robustVideoMatting("float32"), "pha  mask  0"],
  ["Robust Video Matting", "rvm_fp16.onnx", robustVideoMatting("float16"), "pha  mask  0"],
  [
    "Depth Anything",
    "model.onnx",
    simple(
      ["pixel_values", NCHW],
      ["predicted_depth", ["batch_size", "height", "width"]],
      (graph, x) => graph.squeeze(gray(graph, x), 1),
    ),
    "predicted_depth  heat  -",
  ],
  ["U²-Net", "u2net.onnx", u2net(), "1959  mask  0."],
  [
    "Real-ESRGAN",
    "realesr-animevideov3.onnx",
    simple(["input", NCHW], ["output", NCHW], (graph, x) => {
      const scales = graph.constant("float32", [4], [1, 1, 4, 4]);
      return graph.node("Resize", [x, graph.constant("float32", [0], []), scales]);
    }),
    "output  image  0 to 1,",
  ],
  [
    "AnimeGANv2 (PyTorch)",
    "face_paint_512_v2_0.onnx",
    simple(["input", [1, 3, 512, 512]], ["output", [1, 3, 512, 512]], (graph, x) =>
      graph.node("Identity", [x]),
    ),
    "output  image  -1 to 1,",
  ],
  [
    "AnimeGANv3 (TensorFlow)",
    "AnimeGANv3_Hayao_36.onnx",
    simple(
      ["AnimeGANv3_input:0", [1, "h", "w", 3]],
      ["generator_1/main/out_layer:0", [1, "h", "w", 3]],
      (graph, x) => graph.node("Identity", [x]),
    ),
    "generator_1/main/out_layer:0  image  -1 to 1,",
  ],
  ["YuNet", "face_detection_yunet_2023mar.onnx", yunet(), "cls_32   data  0"],
];

test.each(NETWORKS)("the entry of %s (%s) runs as it is", async (name, file, onnx, shown) => {
  await using run = await CommandRun.create();
  const folder = run.path("network");
  await Bun.write(`${folder}/${file}`, onnx);
  await initModel(folder, { name: undefined, existing: "keep" }, run.context());
  expect(run.printed.join("\n")).toContain(`recognised ${name}`);
  run.printed.length = 0;
  await checkModel(folder, { image: undefined, out: run.path("out") }, run.context());
  const printed = run.printed.join("\n");
  expect(printed).toContain(shown);
  expect(printed).toEndWith("nothing looks wrong");
});
