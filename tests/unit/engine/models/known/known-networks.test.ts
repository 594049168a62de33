/** Well-known networks are recognised by their inputs and outputs, and nothing else is taken for one. */
import { describe, expect, test } from "bun:test";
import { basename } from "node:path";
import { Glob } from "bun";
import { defineModel } from "../../../../../src/engine/models/define-model.ts";
import {
  KNOWN_NETWORKS,
  recogniseNetwork,
} from "../../../../../src/engine/models/known/known-networks.ts";
import { parseModelJson } from "../../../../../src/engine/models/model-json.ts";
import { readOnnxOutline } from "../../../../../src/engine/models/onnx-outline.ts";
import {
  type GraphSignature,
  signatureOf,
} from "../../../../../src/engine/models/tensor-signature.ts";
import { sharedData } from "../../../../support/shared-data.ts";
import { signature } from "../../../../support/signature.ts";

const STATES = [1, 2, 3, 4];
const SIDE_OUTPUTS = [1959, 1960, 1961, 1962, 1963, 1964, 1965];
const GRIDS: readonly (readonly [number, number])[] = [
  [8, 6400],
  [16, 1600],
  [32, 400],
];

/** Files as their projects publish them. */
const DOCUMENTED: readonly (readonly [string, string, GraphSignature])[] = [
  [
    "MODNet",
    "photographic.onnx",
    signature(
      ["input float32 [batch_size, 3, height, width]"],
      ["output float32 [batch_size, 1, height, width]"],
    ),
  ],
  [
    "MODNet",
    "modnet_webcam.onnx",
    signature(["x float32 [1, 3, 512, 512]"], ["matte float32 [1, 1, 512, 512]"]),
  ],
  ...["float32", "float16"].map((type): [string, string, GraphSignature] => [
    "Robust Video Matting",
    "model.onnx",
    signature(
      [
        `src ${type} [batch_size, 3, height, width]`,
        ...STATES.map((at) => `r${at}i ${type} [batch_size, channels, height, width]`),
        "downsample_ratio float32 [1]",
      ],
      [
        `fgr ${type} [batch_size, 3, height, width]`,
        `pha ${type} [batch_size, 1, height, width]`,
        ...STATES.map((at) => `r${at}o ${type} [batch_size, channels, height, width]`),
      ],
    ),
  ]),
  [
    "Depth Anything",
    "model.onnx",
    signature(
      ["pixel_values float32 [batch_size, 3, height, width]"],
      ["predicted_depth float32 [batch_size, height, width]"],
    ),
  ],
  [
    "Depth Anything",
    "a.onnx",
    signature(["image float32 [1, 3, 518, 518]"], ["depth float32 [1, 1, 518, 518]"]),
  ],
  [
    "Depth Anything",
    "vits.onnx",
    signature(["l_x_ float32 [1, 3, 518, 518]"], ["select_36 float32 [1, 518, 518]"]),
  ],
  [
    "Depth Anything",
    "depth_anything_v2_vitb.onnx",
    signature(["input float32 [1, 3, 518, 518]"], ["output float32 [1, 1, 518, 518]"]),
  ],
  [
    "U²-Net",
    "u2netp.onnx",
    signature(
      ["input.1 float32 [1, 3, 320, 320]"],
      SIDE_OUTPUTS.map((name) => `${name} float32 [1, 1, 320, 320]`),
    ),
  ],
  [
    "IS-Net",
    "isnet-general-use.onnx",
    signature(
      ["input_image float32 [1, 3, 1024, 1024]"],
      [1024, 512, 256, 128, 64, 32].map((side, at) => `d${at} float32 [1, 1, ${side}, ${side}]`),
    ),
  ],
  [
    "Real-ESRGAN",
    "realesr-animevideov3.onnx",
    signature(
      ["input float32 [batch_size, 3, height, width]"],
      ["output float32 [batch_size, 3, height, width]"],
    ),
  ],
  [
    "AnimeGANv2 (PyTorch)",
    "face_paint_512_v2_0.onnx",
    signature(["input float32 [1, 3, 512, 512]"], ["output float32 [1, 3, 512, 512]"]),
  ],
  [
    "AnimeGANv2 (TensorFlow)",
    "Hayao_64.onnx",
    signature(
      ["generator_input:0 float32 [1, unk__1, unk__2, 3]"],
      ["generator/G_MODEL/out_layer/Tanh:0 float32 [1, unk__3, unk__4, 3]"],
    ),
  ],
  [
    "AnimeGANv3 (TensorFlow)",
    "Hayao_36.onnx",
    signature(
      ["AnimeGANv3_input:0 float32 [1, unk__1, unk__2, 3]"],
      ["generator_1/main/out_layer:0 float32 [1, unk__3, unk__4, 3]"],
    ),
  ],
  [
    "fast neural style",
    "candy-9.onnx",
    signature(["input1 float32 [1, 3, 224, 224]"], ["output1 float32 [1, 3, 224, 224]"]),
  ],
  [
    "YuNet",
    "face_detection_yunet_2023mar.onnx",
    signature(
      ["input float32 [1, 3, 640, 640]"],
      [
        ["cls", 1],
        ["obj", 1],
        ["bbox", 4],
        ["kps", 10],
      ].flatMap(([kind, count]) =>
        GRIDS.map(([stride, cells]) => `${kind}_${stride} float32 [1, ${cells}, ${count}]`),
      ),
    ),
  ],
  ...["sigmoid_0.tmp_0", "save_infer_model/scale_0.tmp_1", "fetch_name_0"].map(
    (output): [string, string, GraphSignature] => [
      "PaddleOCR text detector",
      "inference.onnx",
      signature(["x float32 [?, 3, ?, ?]"], [`${output} float32 [?, 1, ?, ?]`]),
    ],
  ),
  [
    "PaddleOCR direction classifier",
    "cls.onnx",
    signature(["x float32 [DynamicDimension.0, 3, 48, 192]"], ["softmax_0.tmp_0 float32 [a, 2]"]),
  ],
];

describe("a file is recognised as", () => {
  test.each(DOCUMENTED)("%s: %s", (name, file, its) => {
    const matching = KNOWN_NETWORKS.filter((network) => network.matches(its, file));
    expect(matching.map((network) => network.name)).toEqual([name]);
  });
});

test.each(DOCUMENTED)("the entry of %s (%s) is a model that can be used", (_, file, its) => {
  const json = recogniseNetwork(its, file)?.describe(its) ?? {};
  const definition = defineModel("test", parseModelJson(JSON.stringify(json)), its);
  expect(Object.keys(json.inputs ?? {})).toEqual(its.inputs.map(({ name }) => name));
  expect(Object.keys(json.outputs ?? {}).sort()).toEqual(
    its.outputs.map(({ name }) => name).sort(),
  );
  expect(definition.license).not.toBe("");
});

test.each<[string, GraphSignature]>([
  [
    "another network from picture to picture",
    signature(["input float32 [1, 3, h, w]"], ["output float32 [1, 3, h, w]"]),
  ],
  [
    "another network from picture to mask",
    signature(["input float32 [1, 3, 256, 256]"], ["output float32 [1, 1, 256, 256]"]),
  ],
  [
    "a depth network of another size",
    signature(["pixel_values float32 [1, 3, 384, 384]"], ["predicted_depth float32 [1, 384, 384]"]),
  ],
  [
    "a detector of another family with one side output less",
    signature(
      ["input.1 float32 [1, 3, 320, 320]"],
      SIDE_OUTPUTS.slice(1).map((name) => `${name} float32 [1, 1, 320, 320]`),
    ),
  ],
  [
    "integers where floats belong",
    signature(["input1 uint8 [1, 3, 224, 224]"], ["output1 uint8 [1, 3, 224, 224]"]),
  ],
])("%s is not recognised", (_, its) => {
  expect(recogniseNetwork(its, "model.onnx")).toBeNull();
});

const read = async (path: string): Promise<GraphSignature> =>
  signatureOf(await readOnnxOutline(path, basename(path)));

describe("real files:", () => {
  const models = sharedData("models");
  test.skipIf(models === null).each([
    ["trained/multistyle26", "multistyle26"],
    ["trained/arbitrary_predict", "arbitrary_predict"],
    ["trained/arbitrary_transform", "arbitrary_transform"],
    ["trained/terrain_consistency_unet_difficulty100", "terrain diffusion"],
    ["trained/ch_PP-OCRv4_det_infer", "PaddleOCR text detector"],
    ["trained/ch_ppocr_mobile_v2.0_cls_infer", "PaddleOCR direction classifier"],
    ["style/candy_nc16_256", "fast neural style"],
    ["style/mosaic_nc16_256", "fast neural style"],
  ])("%s is recognised as %s", async (file, name) => {
    const its = await read(`${models}/${file}.onnx`);
    expect(recogniseNetwork(its, "model.onnx")?.name).toBe(name);
  });

  test.skipIf(models === null)("no image operator is taken for a network", async () => {
    const folder = `${models}/onnx-cv-graph`;
    for await (const file of new Glob("**/*.onnx").scan(folder)) {
      const known = recogniseNetwork(await read(`${folder}/${file}`), basename(file));
      expect([file, known]).toEqual([file, null]);
    }
  });
});
