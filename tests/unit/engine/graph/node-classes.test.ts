/** Checks the table of node classes for consistency, and its form as object_info. */
import { expect, test } from "bun:test";
import { checkValue } from "../../../../src/engine/graph/check-value.ts";
import { nearestName } from "../../../../src/engine/graph/nearest-name.ts";
import { NODE_CLASSES } from "../../../../src/engine/graph/node-classes.ts";
import { objectInfo } from "../../../../src/engine/graph/object-info.ts";
import { FILES } from "./graphs.ts";

test("every default is a value that its input takes unchanged", () => {
  let count = 0;
  for (const { name, inputs, optional } of NODE_CLASSES.values()) {
    for (const [input, declaration] of Object.entries({ ...inputs, ...optional })) {
      if (!("default" in declaration) || declaration.default === undefined) continue;
      const { default: initial } = declaration;
      const taken = checkValue(declaration, initial, { files: FILES, suggest: nearestName });
      expect({ where: `${name}.${input}`, taken }).toMatchObject({ taken: { value: initial } });
      count++;
    }
  }
  expect(count).toBeGreaterThan(100);
});

test("every output has a name", () => {
  for (const { name, outputs, outputNames = outputs } of NODE_CLASSES.values()) {
    expect({ name, names: outputNames.length }).toEqual({ name, names: outputs.length });
  }
});

test("a class in ComfyUI's form: types, limits, words, files, and its inputs in order", () => {
  const info = objectInfo(NODE_CLASSES.values(), FILES);
  expect(info["ImageBlur"]).toEqual({
    input: {
      required: {
        image: ["IMAGE", {}],
        blur_radius: ["INT", { default: 1, min: 1, max: 31, step: 1 }],
        sigma: ["FLOAT", { default: 1, min: 0.1, max: 10, step: 0.1 }],
      },
      optional: {},
    },
    input_order: { required: ["image", "blur_radius", "sigma"], optional: [] },
    output: ["IMAGE"],
    output_is_list: [false],
    output_name: ["IMAGE"],
    name: "ImageBlur",
    display_name: "ImageBlur",
    description: "",
    python_module: "comfystream-byoc",
    category: "image/filter",
    output_node: false,
  });
  expect(info["ImageStitch"]?.input.required["direction"]).toEqual([
    ["right", "down", "left", "up"],
    { default: "right" },
  ]);
  expect(info["CheckpointLoaderSimple"]?.input.required["ckpt_name"]).toEqual([["tiny"], {}]);
  expect(info["SaveImage"]?.output_node).toBe(true);
});

test("the form is JSON: seeds have their limit as a number", () => {
  const info = JSON.parse(JSON.stringify(objectInfo(NODE_CLASSES.values(), FILES)));
  expect(info.KSampler.input.required.seed).toEqual(["INT", { default: 0, min: 0, max: 2 ** 64 }]);
});
