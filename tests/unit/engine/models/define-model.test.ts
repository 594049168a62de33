import { expect, test } from "bun:test";
import { defineModel } from "../../../../src/engine/models/define-model.ts";
import { inputSize } from "../../../../src/engine/models/definition.ts";
import { draftModel } from "../../../../src/engine/models/draft.ts";
import type { ModelJson } from "../../../../src/engine/models/model-json.ts";
import { VECTOR_LENGTH } from "../../../../src/engine/prompts/controls.ts";
import { signature } from "../../../support/signature.ts";

const PICTURE = "x float32 [N, 3, H, W]";
const picture = signature([PICTURE], ["y float32 [N, 3, H, W]"]);

/** A model of these inputs that gives a picture. */
const taking = (...inputs: readonly string[]) => signature(inputs, ["y float32 [N, 3, H, W]"]);

test("a file's own signature is enough", () => {
  const { outputs, ...rest } = defineModel("m", {}, picture);
  expect(outputs).toMatchObject([{ role: "image", tensor: "y", batched: true }]);
  expect<unknown>(rest).toEqual({
    name: "m",
    description: "",
    license: "",
    homepage: "",
    inputs: [
      {
        role: "frame",
        tensor: "x",
        batched: true,
        format: {
          layout: "nchw",
          channels: "rgb",
          dtype: "float32",
          range: [0, 1],
          mean: [0],
          std: [1],
          scale: 1,
          zeroPoint: 0,
        },
        rule: { size: null, multipleOf: 1 },
        optional: false,
      },
    ],
    params: [],
    inputParams: [],
    presets: {},
    video: "required",
    picture: { size: null, multipleOf: 1 },
    fit: null,
    run: { every: 1, skipUnchanged: false, threads: null },
    batchable: true,
    draws: true,
    overlays: false,
    live: { withVideo: true, alone: false },
    folder: null,
  });
});

test.each([
  [[1, 3, 4, 5], "nchw", "rgb"],
  [[1, 4, 5, 3], "nhwc", "rgb"],
  [[1, 1, "H", "W"], "nchw", "gray"],
  [[3, "H", "W"], "chw", "rgb"],
  [["H", "W", 3], "hwc", "rgb"],
  [["H", "W", 1], "hwc", "gray"],
  [["a", "b", "c", "d"], "nchw", "rgb"],
] as const)("%j is read as %s %s", (dims, layout, channels) => {
  const json: ModelJson = { inputs: { x: { role: "frame" } } };
  const { inputs } = defineModel("m", json, taking(`x float32 [${dims}]`));
  expect(inputs).toMatchObject([{ role: "frame", format: { layout, channels } }]);
});

test("inputs of one element become parameters, with the bounds of the file's metadata if there are any", () => {
  const inputs = [PICTURE, "gain float32 [1]", "steps int64 []"];
  const metadata = { "param:gain": "-1.0,2.0,0.5" };
  const stated = signature(inputs, ["y float32 [N, 3, H, W]"], metadata);
  expect(defineModel("m", {}, stated).params).toEqual([
    {
      type: "number",
      name: "gain",
      default: 0.5,
      min: -1,
      max: 2,
      integer: false,
      description: "",
    },
    { type: "number", name: "steps", default: 1, min: 0, max: 1, integer: true, description: "" },
  ]);
  const renamed = { inputs: { gain: { role: "param", name: "boost", max: 9 } } } as const;
  expect(defineModel("m", renamed, stated).params[0]).toMatchObject({ name: "boost", max: 9 });
});

test("a rate needs a floating-point tensor, for its sum is a fraction", () => {
  const json = { inputs: { turn: { role: "param", sum: true } } } as const;
  const { inputs } = defineModel("m", json, taking(PICTURE, "turn float64 []"));
  expect(inputs[1]).toMatchObject({ role: "param", sum: true, param: { name: "turn" } });
  const whole = taking(PICTURE, "turn int64 []");
  expect(() => defineModel("m", json, whole)).toThrow("inputs.turn.sum is true, which gives");
});

test("the draft of a file defines the same model as the file alone", () => {
  const stated = taking(PICTURE, "k float32 [1]");
  const { file, ...draft } = draftModel("m.onnx", stated);
  expect(file).toBe("m.onnx");
  expect(defineModel("m", draft, stated)).toEqual(defineModel("m", {}, stated));
});

test("the input size follows from a fixed size, a multiple or the source", () => {
  const source = { width: 1283, height: 717 };
  const size = (dims: string, multiple_of = 1) =>
    inputSize(
      defineModel(
        "m",
        { inputs: { x: { role: "frame", multiple_of } } },
        taking(`x float32 ${dims}`),
      ),
      source,
    );
  expect(size("[1, 3, 256, 320]")).toEqual({ width: 320, height: 256 });
  expect(size("[1, 3, H, W]", 32)).toEqual({ width: 1280, height: 704 });
  expect(size("[1, 3, H, W]")).toEqual(source);
});

const REFUSED: readonly (readonly [ModelJson, string])[] = [
  [
    { inputs: { z: { role: "time" } } },
    'inputs.z is not in the ONNX file; its inputs are "x" float32 [N, 3, H, W]',
  ],
  [{ outputs: { z: { role: "image" } } }, 'outputs.z is not in the ONNX file; its outputs are "y"'],
  [{ inputs: { x: { role: "time" } } }, 'inputs.x has role "time", which needs one number'],
  [
    { inputs: { x: { role: "frame", dtype: "uint8" } } },
    'inputs.x.dtype is "uint8" but the tensor is float32',
  ],
  [{ inputs: { x: { role: "frame", layout: "chw" } } }, 'layout is "chw" (3 dimensions)'],
  [{ inputs: { x: { role: "frame", channels: "gray" } } }, "the tensor has 3 channels"],
  [{ inputs: { x: { role: "frame", range: [1, 1] } } }, "black and white must differ"],
  [{ inputs: { x: { role: "frame", mean: [1, 2] } } }, "mean has 2 values; give 1 or 3"],
  [{ inputs: { x: { role: "frame", std: [0] } } }, "std contains 0"],
];

test.each(REFUSED)("%j is refused: %s", (json, message) => {
  expect(() => defineModel("m", json, picture)).toThrow(message);
});

test("a size that contradicts the file and a default out of bounds are refused", () => {
  const fixed = taking("x float32 [1, 3, 256, 256]");
  expect(() =>
    defineModel("m", { inputs: { x: { role: "frame", size: [512, 512] } } }, fixed),
  ).toThrow("inputs.x.size is [512,512] but the file fixes [256, 256]");
  const number = taking(PICTURE, "k float32 [1]");
  expect(() => defineModel("m", { inputs: { k: { role: "param", default: 7 } } }, number)).toThrow(
    "inputs.k.default is 7, outside 0 to 1",
  );
});

test("a file that fixes a size which no picture has is refused", () => {
  const huge = taking("x float32 [1, 3, 64, 1099511627776]");
  expect(() => defineModel("m", {}, huge)).toThrow(
    "inputs.x.size is [1099511627776, 64]; at most 16384 a side can be fed",
  );
});

test("tensors that suggest no role are refused, and a picture where there is none", () => {
  const video = taking(PICTURE, "clip float32 [N, 3, 8, H, W]");
  expect(() => defineModel("m", {}, video)).toThrow(
    'inputs.clip has no role, and "clip" float32 [N, 3, 8, H, W] suggests none',
  );
  const scores = signature([PICTURE], ["y float32 [1, 1000]"]);
  expect(() => defineModel("m", { outputs: { y: { role: "image" } } }, scores)).toThrow(
    'outputs.y does not have the shape of a picture: "y" float32 [1, 1000]',
  );
});

test("the role text needs one row of as many floats as there are controls", () => {
  const json: ModelJson = { inputs: { t: { role: "text", encoder: "lexicon" } } };
  const define = (text: string) => defineModel("m", json, taking(PICTURE, text));
  for (const [dims, length] of [
    [`[${VECTOR_LENGTH}]`, [VECTOR_LENGTH]],
    [`[1, ${VECTOR_LENGTH}]`, [1, VECTOR_LENGTH]],
    ["[N, C]", [1, VECTOR_LENGTH]],
    ["[C]", [VECTOR_LENGTH]],
  ] as const) {
    const { inputs, params } = define(`t float32 ${dims}`);
    expect(inputs[1]).toMatchObject({ role: "text", tensor: "t", dims: length });
    expect(params).toEqual([]);
  }
  for (const text of [
    "t float32 [7]",
    `t float32 [2, ${VECTOR_LENGTH}]`,
    `t int64 [${VECTOR_LENGTH}]`,
    "t float32 []",
  ]) {
    expect(() => define(text)).toThrow(`float32 [${VECTOR_LENGTH}]`);
  }
});

test("a model whose outputs are all ignored is refused", () => {
  const outputs = { y: { role: "ignore" } } as const;
  expect(() => defineModel("m", { outputs }, picture)).toThrow(
    "outputs are all ignored: give one of them another role",
  );
});
