/** Checks the table of node classes for consistency, and its form as object_info. */

import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { checkValue } from "../../../../src/engine/graph/check-value.ts";
import { byName, type NodeClass } from "../../../../src/engine/graph/node-class.ts";
import { NODE_CLASSES } from "../../../../src/engine/graph/node-classes.ts";
import { runnable } from "../../../../src/engine/graph/node-support.ts";
import { objectInfo } from "../../../../src/engine/graph/object-info.ts";
import { nearestName } from "../../../../src/nearest-name.ts";
import { exactJson } from "../../../../src/raw-json.ts";
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

test("every class is one file, named for it and listed", async () => {
  const folder = join(import.meta.dir, "../../../../src/engine/graph/nodes");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_]/g, "");
  const found: NodeClass[] = [];
  for (const file of files.filter((path) => path.includes("/") && path.endsWith(".ts"))) {
    const declared: Record<string, NodeClass> = await import(join(folder, file));
    for (const [exported, nodeClass] of Object.entries(declared)) {
      expect({ file, exported, name: plain(nodeClass.name) }).toEqual({
        file,
        exported: nodeClass.name,
        name: plain(basename(file, ".ts")),
      });
      found.push(nodeClass);
    }
  }
  expect(new Set(found)).toEqual(new Set(NODE_CLASSES.values()));
});

test("every class runs here, or is rewritten before graphs run", () => {
  const supported = runnable(NODE_CLASSES.values()).map(({ name }) => name);
  expect([...NODE_CLASSES.keys()].filter((name) => !supported.includes(name))).toEqual([]);
  for (const { name, isRewritten, fragment, run } of NODE_CLASSES.values()) {
    const ways = [isRewritten, fragment, run].filter((way) => way !== undefined);
    expect({ name, ways: ways.length }).toEqual({ name, ways: 1 });
  }
});

test("two classes of one name are refused", () => {
  const [one] = NODE_CLASSES.values();
  if (one === undefined) throw new Error("there are no classes");
  expect(() => byName([one, { ...one }])).toThrow(`two node classes have the name ${one.name}`);
});

test("the classes load without ONNX Runtime and FFmpeg", async () => {
  const table = join(import.meta.dir, "../../../../src/engine/graph/node-classes.ts");
  const script = `await import(${JSON.stringify(table)});
    console.log(JSON.stringify(Object.keys(require.cache)));`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
  const loaded: string[] = JSON.parse(await new Response(child.stdout).text());
  expect(loaded).toContain(table);
  expect(loaded.filter((path) => /onnxruntime|node-av|ffmpeg/.test(path))).toEqual([]);
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

test("the limits of seeds are exact", () => {
  const json = exactJson(objectInfo(NODE_CLASSES.values(), FILES)["KSampler"]?.input.required);
  expect(json).toContain('"seed":["INT",{"default":0,"min":0,"max":18446744073709551615}]');
});
