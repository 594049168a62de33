/** The draft of a model.json: what is written, what is printed, and what is never overwritten. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { GraphBuilder } from "../../../src/engine/models/graph-builder.ts";
import type { ElementType } from "../../../src/engine/models/tensor-signature.ts";
import { type InitOptions, initModel } from "../../../src/workspace/init.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "init-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Dims = readonly (number | string)[];

/** Writes a model from picture to picture with further inputs of one number. */
async function model(
  file: string,
  names: { input: string; output: string },
  dims: Dims,
  { dtype = "float32", scalars = [] as string[], metadata = {} as Record<string, string> } = {},
): Promise<string> {
  const graph = new GraphBuilder();
  const type = dtype as ElementType;
  const picture = graph.input(names.input, type, dims);
  for (const name of scalars) graph.input(name, "float32", [1]);
  graph.output(names.output, graph.node("Identity", [picture]), type, dims);
  const proto = fromBinary(ModelProtoSchema, graph.build("test"));
  for (const [key, value] of Object.entries(metadata)) {
    proto.metadataProps.push({ $typeName: "onnx.StringStringEntryProto", key, value });
  }
  const path = join(folder, file);
  await Bun.write(path, toBinary(ModelProtoSchema, proto));
  return path;
}

/** What the command printed. */
async function init(argument: string, options: Partial<InitOptions> = {}): Promise<string> {
  const lines: string[] = [];
  await initModel(
    argument,
    { name: undefined, existing: "keep", ...options },
    { print: (line) => lines.push(line) },
  );
  return lines.join("\n");
}

const failure = (argument: string, options: Partial<InitOptions> = {}): Promise<string> =>
  init(argument, options).then(
    () => "none",
    (error: Error) => `${error.name}: ${error.message}`,
  );

const written = () => Bun.file(join(folder, "model.json")).json();

const XY = { input: "x", output: "y" };

test("an unknown network gets roles by its shapes, and what the file does not say is named", async () => {
  const path = await model("net.onnx", XY, [1, 3, "h", "w"], { scalars: ["gain"] });
  const printed = await init(path);
  const json = await written();
  expect(json.file).toBe("net.onnx");
  expect(json.inputs.x).toMatchObject({ role: "frame" });
  expect(json.inputs.gain).toMatchObject({ role: "param" });
  expect(json.outputs.y).toMatchObject({ role: "image" });
  expect(printed).toContain('input   "x" float32 [1, 3, h, w]');
  for (const field of [
    "inputs.x.range",
    "inputs.x.channels",
    "inputs.x.multiple_of",
    "inputs.gain",
    "outputs.y.range",
  ]) {
    expect(printed).toContain(`  ${field}: `);
  }
  expect(JSON.stringify(json)).not.toContain("guess");
  expect(printed).toEndWith(`try it with: models check ${folder}`);
});

test("an input that suggests no role has to be edited, and is named", async () => {
  const path = await model("net.onnx", XY, [1, 3, 64, 64]);
  const proto = fromBinary(ModelProtoSchema, await Bun.file(path).bytes());
  const graph = new GraphBuilder();
  graph.input("ids", "int64", [1, 77]);
  proto.graph?.input.push(...(fromBinary(ModelProtoSchema, graph.build("ids")).graph?.input ?? []));
  await Bun.write(path, toBinary(ModelProtoSchema, proto));
  const printed = await init(path);
  expect(printed).toMatch(/input +"ids" int64 \[1, 77\] +no role/);
  expect(printed).toContain(
    "edit these fields before you use the model:\n  inputs.ids has no role",
  );
});

test("what the file states is not called a guess", async () => {
  const metadata = { "param:gain": "0,4,1" };
  const path = await model("net.onnx", XY, [1, 3, 64, 64], {
    dtype: "uint8",
    scalars: ["gain"],
    metadata,
  });
  const printed = await init(path);
  expect(printed).not.toContain("inputs.gain");
  expect(printed).not.toContain(".range:");
  expect(printed).not.toContain("multiple_of");
});

test("a well-known network gets its own roles and ranges, and nothing is a guess", async () => {
  const path = await model(
    "candy-9.onnx",
    { input: "input1", output: "output1" },
    [1, 3, 224, 224],
  );
  const printed = await init(path);
  expect(printed).toContain("recognised fast neural style");
  expect(printed).not.toContain("guesses");
  const json = await written();
  expect([json.inputs.input1.range, json.outputs.output1.range]).toEqual([
    [0, 255],
    [0, 255],
  ]);
  expect(json.license).toBe("BSD-3-Clause");
});

test("a network that was never run here says so", async () => {
  const path = await model(
    "Hayao.onnx",
    { input: "AnimeGANv3_input:0", output: "generator_1/main/out_layer:0" },
    [1, "h", "w", 3],
  );
  expect(await init(path)).toContain(
    "its entry follows its documentation and has never been tried",
  );
});

test("lists take as few lines as they need, however deep they are", async () => {
  const graph = new GraphBuilder();
  const picture = graph.input("image", "float32", [1, 3, 64, 64]);
  graph.input("style_weights", "float32", [26]);
  graph.output("stylized", graph.node("Identity", [picture]), "float32", [1, 3, 64, 64]);
  await Bun.write(join(folder, "m.onnx"), graph.build("multistyle26"));
  await init(join(folder, "m.onnx"));
  const text = await Bun.file(join(folder, "model.json")).text();
  expect(text).toMatch(/^ +"default": \[(0, ){19}1(, 0){6}\],$/m);
  expect(text).toMatch(/^ {8}"0 sand and sky", "1 ink on yellow", .*,\n/m);
  expect(text).toMatch(/^ {8}.*"25 blue and ochre"\n {6}\],$/m);
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThan(100);
});

test("short lists stand on one line", async () => {
  await init(await model("candy-9.onnx", { input: "input1", output: "output1" }, [1, 3, 224, 224]));
  expect(await Bun.file(join(folder, "model.json")).text()).toContain('"range": [0, 255]');
});

test("operators that this server does not have are named", async () => {
  const path = await model("net.onnx", XY, [1, 3, 64, 64]);
  const proto = fromBinary(ModelProtoSchema, await Bun.file(path).bytes());
  for (const node of proto.graph?.node ?? []) node.domain = "com.microsoft.extensions";
  await Bun.write(path, toBinary(ModelProtoSchema, proto));
  expect(await init(path)).toContain(
    "this server cannot run it, because it lacks these operators:\n  com.microsoft.extensions (Identity), which needs onnxruntime-extensions",
  );
});

test("a model.json that exists is kept, unless it may be overwritten", async () => {
  const path = await model("net.onnx", XY, [1, 3, 64, 64]);
  await Bun.write(join(folder, "model.json"), '{"description": "mine"}');
  expect(await failure(path)).toContain("exists: edit it, or overwrite it with --force");
  expect(await written()).toEqual({ description: "mine" });
  await init(path, { existing: "overwrite" });
  expect((await written()).file).toBe("net.onnx");
});

test("a folder stands for the only ONNX file in it", async () => {
  expect(await failure(folder)).toContain("holds no .onnx file: name the file");
  await model("a.onnx", XY, [1, 3, 64, 64]);
  await init(folder);
  expect((await written()).file).toBe("a.onnx");
  await model("b.onnx", XY, [1, 3, 64, 64]);
  expect(await failure(folder)).toContain('holds "a.onnx", "b.onnx": name the file');
});

test("a name is stated where it is given, and must be one that a model may have", async () => {
  const path = await model("net.onnx", XY, [1, 3, 64, 64]);
  expect(await failure(path, { name: "my model" })).toContain('UsageError: --name is "my model"');
  await init(path, { name: "mine" });
  expect((await written()).name).toBe("mine");
});

test("a file that is not an ONNX model is named, and nothing is written", async () => {
  const path = join(folder, "net.onnx");
  expect(await failure(path)).toContain("is missing");
  await Bun.write(path, "version https://git-lfs.github.com/spec/v1\nsize 5\n");
  expect(await failure(path)).toContain("CommandError: net.onnx is a Git LFS pointer");
  expect(await Bun.file(join(folder, "model.json")).exists()).toBe(false);
});
