import { expect, test } from "bun:test";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  ModelProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
} from "onnx-buf";
import { BUILT_INS } from "../../../../src/engine/models/built-in.ts";
import { ModelCatalogue } from "../../../../src/engine/models/catalogue.ts";
import { parseGraph, signatureOf } from "../../../../src/engine/models/tensor-signature.ts";
import { OnnxWorkspace, simpleModel } from "../../../support/onnx-workspace.ts";
import { writePipeline } from "../../../support/synthetic-pipeline.ts";

const onnx = simpleModel("float32", [1, 3, "H", "W"], (graph, x) => graph.node("Abs", [x]));
const BUILT_IN_NAMES = [
  "cartoon",
  "comfyui",
  "dreamscape",
  "edges",
  "identity",
  "mirror",
  "restyle",
  "test-card",
  "thermal",
];
/** The model with a weight in another file. */
function withWeightsIn(location: string): Uint8Array {
  const model = parseGraph(onnx);
  const weights = create(TensorProtoSchema, {
    name: "w",
    dims: [1n],
    dataType: TensorProto_DataType.FLOAT,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [{ key: "location", value: location }],
  });
  model.graph?.initializer.push(weights);
  return toBinary(ModelProtoSchema, model);
}

const names = (catalogue: ModelCatalogue): string[] => catalogue.list().map(({ name }) => name);

test("an empty workspace has the built-in models", async () => {
  await using workspace = await OnnxWorkspace.create();
  const catalogue = await ModelCatalogue.open(workspace.path);
  expect(names(catalogue)).toEqual(BUILT_IN_NAMES);
  expect((await catalogue.get("identity")).source).toBe("built-in");
});

test("the signatures of built-in models are those of their graphs", () => {
  for (const { graph, signature } of Object.values(BUILT_INS)) {
    expect(signatureOf(parseGraph(graph()))).toEqual(signature);
  }
});

test("built-in graphs have the same bytes every time", () => {
  for (const { graph } of Object.values(BUILT_INS)) expect(graph()).toEqual(graph());
});

test("a broken folder is listed with its reason and affects no other", async () => {
  await using workspace = await OnnxWorkspace.create();
  await workspace.add("good", {}, onnx);
  await workspace.add("no-file", {});
  await workspace.add("not-json", "{", onnx);
  await workspace.add("not-onnx", {}, new TextEncoder().encode("<html>"));
  await workspace.add("wrong-tensor", { inputs: { z: { role: "frame" } } }, onnx);
  await workspace.add("other-name", { name: "x" }, onnx);
  await workspace.add("bad name", {}, onnx);
  await Bun.write(join(workspace.path, "models", "bare", "model.onnx"), onnx);
  const catalogue = await ModelCatalogue.open(workspace.path);
  const reasons = Object.fromEntries(
    catalogue.list().flatMap((entry) => {
      return entry.state === "broken" ? [[entry.name, entry.error.message]] : [];
    }),
  );
  expect(reasons).toEqual({
    bare: expect.stringContaining("model.json is missing: `models init` drafts one"),
    "bad name": expect.stringContaining("letters, digits"),
    "no-file": expect.stringContaining("the folder holds no .onnx"),
    "not-json": expect.stringContaining("not valid JSON"),
    "not-onnx": expect.stringContaining("model.onnx is a web page"),
    "other-name": expect.stringContaining('name is "x" but the folder is other-name'),
    "wrong-tensor": expect.stringContaining('its inputs are "x" float32 [1, 3, H, W]'),
  });
  expect((await catalogue.get("good")).definition.inputs).toMatchObject([{ tensor: "x" }]);
  await expect(catalogue.get("not-json")).rejects.toThrow("model not-json cannot be used");
});

test.each(["vae", "unet-for-$dyn-b-1-4"])(
  "the folder %j with parts of a pipeline is for graphs, not broken",
  async (name) => {
    await using workspace = await OnnxWorkspace.create();
    const folder = join(workspace.path, "models", name);
    await writePipeline(folder);
    for (const part of ["model_index.json", "text_encoder", "unet", "scheduler", "tokenizer"]) {
      await rename(join(folder, part), join(workspace.path, part));
    }
    const catalogue = await ModelCatalogue.open(workspace.path);
    const entry = await catalogue.entry(name);
    expect(entry).toMatchObject({ state: "parts" });
    if (entry?.state !== "parts") return;
    expect(entry.error.message).toContain(
      "it holds vae_encoder, vae_decoder of a diffusion pipeline",
    );
    expect(entry.error.message).not.toMatch(/rename|models init/);
    await using host = await workspace.host();
    expect(host.infos().map((info) => info.name)).not.toContain(name);
    await expect(host.acquire(name)).rejects.toThrow("which ComfyUI graphs load");
  },
);

test("a whole pipeline whose name models cannot have is for graphs, too", async () => {
  await using workspace = await OnnxWorkspace.create();
  await writePipeline(join(workspace.path, "models/sd$1"));
  const catalogue = await ModelCatalogue.open(workspace.path);
  const entry = catalogue.list().find(({ name }) => name === "sd$1");
  expect(entry).toMatchObject({ state: "parts" });
});

test("parts to which the rest of the pipeline comes are a model, in whatever order it comes", async () => {
  await using workspace = await OnnxWorkspace.create();
  const folder = join(workspace.path, "models/sd");
  await writePipeline(folder);
  const elsewhere = (part: string): string => join(workspace.path, part);
  const catalogue = await ModelCatalogue.open(workspace.path);
  const parts = ["unet/model.onnx", "model_index.json", "text_encoder"];
  for (const part of parts) await rename(join(folder, part), elsewhere(part.replace("/", "-")));
  for (const part of parts) {
    expect((await catalogue.entry("sd"))?.state).not.toBe("usable");
    await rename(elsewhere(part.replace("/", "-")), join(folder, part));
  }
  expect((await catalogue.entry("sd"))?.state).toBe("usable");
});

test.each(["../good/model.onnx", "/etc/hosts", "..\\x.onnx", "a/../../x.onnx", "absent.onnx"])(
  "the file %j is refused",
  async (file) => {
    await using workspace = await OnnxWorkspace.create();
    await workspace.add("good", {}, onnx);
    await workspace.add("bad", { file }, onnx);
    const catalogue = await ModelCatalogue.open(workspace.path);
    await expect(catalogue.get("bad")).rejects.toThrow(`file is ${JSON.stringify(file)}`);
  },
);

test("an error about an unknown name lists the usable models", async () => {
  await using workspace = await OnnxWorkspace.create();
  await workspace.add("broken", "{");
  const catalogue = await ModelCatalogue.open(workspace.path);
  for (const name of ["nope", "../good", "__proto__", ""]) {
    await expect(catalogue.get(name)).rejects.toMatchObject({
      kind: "unknown_model",
      message: `unknown model ${JSON.stringify(name)}; available: ${BUILT_IN_NAMES.join(", ")}`,
    });
  }
});

test("a folder that is added, repaired or removed is noticed on the next request", async () => {
  await using workspace = await OnnxWorkspace.create();
  const catalogue = await ModelCatalogue.open(workspace.path);
  await workspace.add("late", "{", onnx);
  await expect(catalogue.get("late")).rejects.toThrow("not valid JSON");
  await workspace.add("late", { description: "mended" }, onnx);
  expect((await catalogue.get("late")).definition.description).toBe("mended");
  await rm(join(workspace.path, "models", "late"), { recursive: true });
  await expect(catalogue.get("late")).rejects.toThrow("unknown model");
});

test("weights in another file are looked for beside the ONNX file, and named where they are missing", async () => {
  await using workspace = await OnnxWorkspace.create();
  await workspace.add("large", { file: "onnx/model.onnx" });
  const folder = join(workspace.path, "models", "large");
  const bytes = withWeightsIn("w.bin");
  await Bun.write(join(folder, "onnx", "model.onnx"), bytes);
  const catalogue = await ModelCatalogue.open(workspace.path);
  await expect(catalogue.get("large")).rejects.toThrow(
    'model large cannot be used: "onnx/w.bin", which the model needs, is missing',
  );
  await Bun.write(join(folder, "onnx", "w.bin"), new Uint8Array(4));
  const usable = await catalogue.get("large");
  expect([usable.bytes, usable.files]).toEqual([
    bytes.length + 4,
    ["onnx/model.onnx", "onnx/w.bin"],
  ]);
});

test("weights that are written again make the model a new one", async () => {
  await using workspace = await OnnxWorkspace.create();
  await workspace.add("large", {}, withWeightsIn("w.bin"));
  const path = join(workspace.path, "models", "large", "w.bin");
  await Bun.write(path, new Uint8Array(4));
  const catalogue = await ModelCatalogue.open(workspace.path);
  const before = await catalogue.get("large");
  expect((await catalogue.get("large")).stamp).toBe(before.stamp);
  await Bun.write(path, new Uint8Array(8));
  expect((await catalogue.get("large")).stamp).not.toBe(before.stamp);
});

test("a folder overrides the built-in model of its name until it is removed", async () => {
  await using workspace = await OnnxWorkspace.create();
  await workspace.add("edges", {}, onnx);
  const catalogue = await ModelCatalogue.open(workspace.path);
  expect((await catalogue.get("edges")).source).toBe("models/edges");
  await rm(join(workspace.path, "models", "edges"), { recursive: true });
  expect((await catalogue.get("edges")).source).toBe("built-in");
});

test("refresh finds new folders and forgets removed ones", async () => {
  await using workspace = await OnnxWorkspace.create();
  await workspace.add("old", {}, onnx);
  const catalogue = await ModelCatalogue.open(workspace.path);
  await workspace.add("new", {}, onnx);
  await rm(join(workspace.path, "models", "old"), { recursive: true });
  await catalogue.refresh();
  expect(names(catalogue)).toContain("new");
  expect(names(catalogue)).not.toContain("old");
});

test("a refresh that fails unexpectedly does not fail the ones after it", async () => {
  await using workspace = await OnnxWorkspace.create();
  await workspace.add("identity", {}, onnx);
  const catalogue = await ModelCatalogue.open(workspace.path);
  await rm(join(workspace.path, "models", "identity"), { recursive: true });
  const { identity = expect.unreachable("identity is built in") } = BUILT_INS;
  const own = { value: identity.signature };
  const unexpected = () => {
    throw new Error("unexpected");
  };
  {
    using restored = new DisposableStack();
    restored.defer(() => Object.defineProperty(identity, "signature", own));
    Object.defineProperty(identity, "signature", { configurable: true, get: unexpected });
    await expect(catalogue.refresh()).rejects.toThrow("unexpected");
  }
  await catalogue.refresh();
});
