/** What roles the names and shapes of tensors suggest. */
import { expect, test } from "bun:test";
import { defineModel } from "../../../../src/engine/models/define-model.ts";
import { draftModel } from "../../../../src/engine/models/draft.ts";
import { signature } from "../../../support/signature.ts";

const PICTURE = "y float32 [1, 3, H, W]";

const inputs = (tensors: readonly string[], outputs: readonly string[] = [PICTURE]) =>
  draftModel("m.onnx", signature(tensors, outputs)).inputs;
const outputs = (tensors: readonly string[]) =>
  draftModel("m.onnx", signature(["x float32 [1, 3, H, W]"], tensors)).outputs;

test("the first picture is the frame, others are a second picture or a mask", () => {
  const tensors = [
    "content float32 [1, 3, H, W]",
    "style float32 [1, 3, 256, 320]",
    "alpha float32 [1, 1, H, W]",
  ];
  expect(inputs(tensors)).toMatchObject({
    content: { role: "frame", layout: "nchw", channels: "rgb", size: "free" },
    style: { role: "image", size: [320, 256] },
    alpha: { role: "mask", channels: "gray" },
  });
});

test("single numbers are parameters, one that is called seed the seed, rows of floats vectors", () => {
  const tensors = ["x float32 [1, 3, H, W]", "k float32 [1]", "seed int64 []", "z float32 [1, 16]"];
  expect(inputs(tensors)).toMatchObject({
    k: { role: "param" },
    seed: { role: "seed" },
    z: { role: "vector" },
  });
});

test("a free first dimension is that of a batch", () => {
  const tensors = [
    "x float32 [N, 3, H, W]",
    "k float32 [N]",
    "seed int64 [N, 1]",
    "z float32 [N, 512]",
    "ids float32 [N, L]",
  ];
  expect(inputs(tensors)).toMatchObject({
    k: { role: "param" },
    seed: { role: "seed" },
    z: { role: "vector" },
  });
  expect(inputs(tensors)).not.toHaveProperty("ids");
});

test.each([
  ["r1i", "r1o"],
  ["h_in", "h_out"],
  ["state", "new_state"],
  ["past_kv", "present_kv"],
  ["h", "hn"],
  ["c", "next_c"],
])("%s and %s are a state", (input, output) => {
  const given = ["x float32 [1, 3, H, W]", `${input} float32 [1, 16, h, w]`];
  const taken = [PICTURE, `${output} float32 [1, 16, h, w]`];
  expect(inputs(given, taken)).toMatchObject({ [input]: { role: "state", output } });
  expect(draftModel("m.onnx", signature(given, taken)).outputs).toMatchObject({
    y: { role: "image" },
    [output]: { role: "state" },
  });
});

test("tensors of another rank or type are no state, however they are called", () => {
  const given = ["x float32 [1, 3, H, W]", "h_in float32 [1, 16]"];
  for (const output of ["h_out float32 [1, 16, 1]", "h_out int64 [1, 16]"]) {
    expect(inputs(given, [PICTURE, output])).toMatchObject({ h_in: { role: "vector" } });
  }
});

test("the only picture is the frame, even where the output is called after it", () => {
  for (const [input, output] of [
    ["image", "image_out"],
    ["img_in", "img_out"],
    ["x", "new_x"],
  ]) {
    const graph = signature([`${input} float32 [1, 3, H, W]`], [`${output} float32 [1, 3, H, W]`]);
    const { inputs, outputs } = draftModel("m.onnx", graph);
    expect([inputs, outputs]).toMatchObject([
      { [input ?? ""]: { role: "frame" } },
      { [output ?? ""]: { role: "image" } },
    ]);
  }
});

test("the first picture is the image, small outputs are data, large ones are ignored", () => {
  expect(
    outputs([
      "scores float32 [1, 1000]",
      PICTURE,
      "aux float32 [1, 3, H, W]",
      "features float32 [1, 64, 64, 64]",
    ]),
  ).toMatchObject({
    scores: { role: "data" },
    y: { role: "image" },
    aux: { role: "ignore" },
    features: { role: "ignore" },
  });
});

test("boxes in any number are data, maps of any size are not", () => {
  expect(outputs([PICTURE, "boxes float32 [N, 6]", "map float32 [1, 1, H, W]"])).toMatchObject({
    boxes: { role: "data" },
    map: { role: "ignore" },
  });
});

test("a model of which nothing would be read gives its first output as data", () => {
  expect(outputs(["features float32 [1, 512, 64, 64]"])).toEqual({ features: { role: "data" } });
});

test("what is too small for a picture is none", () => {
  expect(inputs(["x float32 [1, 3, 64, 64]", "m float32 [1, 3, 3]"])).not.toHaveProperty("m");
});

test("a draft can be used as it is", () => {
  const graph = signature(
    ["src float32 [1, 3, H, W]", "r1i float32 [1, 16, h, w]", "ratio float32 [1]"],
    ["fgr float32 [1, 3, H, W]", "pha float32 [1, 1, H, W]", "r1o float32 [1, 16, h, w]"],
  );
  const { file, ...draft } = draftModel("m.onnx", graph);
  const definition = defineModel("m", draft, graph);
  expect(definition.inputs.map(({ role }) => role)).toEqual(["frame", "state", "param"]);
  expect(definition.outputs.map(({ role }) => role)).toEqual(["image", "ignore", "state"]);
});
