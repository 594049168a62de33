/** `models add` of a repository or folder that holds a whole diffusion pipeline. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ModelHost } from "../../src/engine/device/model-host.ts";
import { ModelCatalogue } from "../../src/engine/models/catalogue.ts";
import { CommandRun } from "../support/command-run.ts";
import { startHub } from "../support/hub-server.ts";
import { withWeightsIn } from "../support/onnx-files.ts";
import { drawWith } from "../support/run-model.ts";
import { writePipeline } from "../support/synthetic-pipeline.ts";

setDefaultTimeout(30_000);

const TEXT = new TextEncoder();
/** What repositories of diffusers hold besides: the same weights in other formats, and pictures. */
const OTHERS = {
  "unet/diffusion_pytorch_model.safetensors": new Uint8Array(1000),
  "text_encoder/pytorch_model.bin": new Uint8Array(1000),
  "safety_checker/config.json": TEXT.encode("{}"),
  "vae/config.json": TEXT.encode("{}"),
  "teaser.png": new Uint8Array(1000),
};

let files: Record<string, Uint8Array>;
let names: string[];
const folders: string[] = [];

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "pipeline-"));
  folders.push(folder);
  await writePipeline(folder);
  const encoder = join(folder, "text_encoder/model.onnx");
  const split = withWeightsIn("model.onnx_data", await Bun.file(encoder).bytes());
  await Bun.write(encoder, split.model);
  await Bun.write(join(folder, "text_encoder/model.onnx_data"), split.weights);
  files = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files[path.slice(folder.length + 1)] = await Bun.file(path).bytes();
  }
  names = Object.keys(files).sort();
});
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** The side of a picture that the model draws. */
async function sideOf(run: CommandRun, name: string): Promise<number> {
  const catalogue = await ModelCatalogue.open(run.workspace);
  await using host = new ModelHost({ catalogue, device: "cpu", onChange: () => {} });
  const { width } = await drawWith(await host.acquire(name));
  return width;
}

test("a repository is added whole: networks, their weights and what they are configured by, nothing else", async () => {
  await using run = await CommandRun.create();
  const LICENSE = TEXT.encode("MIT License\n\nPermission is hereby granted, free of charge");
  await using hub = await startHub({ ...files, ...OTHERS, LICENSE });
  await run.add("hf:owner/net", {}, hub.env);
  expect(await run.files()).toEqual(["LICENSE", ...names].map((file) => `net/${file}`));
  const printed = run.printed.join("\n");
  expect(printed).toContain("added models/net, a diffusion pipeline");
  expect(printed).toContain("license: mit");
  expect(await sideOf(run, "net")).toBe(64);
});

test("one that lies in a folder of its repository is named by it", async () => {
  await using run = await CommandRun.create();
  const inFolder = (folder: string) =>
    Object.fromEntries(Object.entries(files).map(([path, bytes]) => [`${folder}/${path}`, bytes]));
  await using hub = await startHub({ ...inFolder("fp16"), ...inFolder("fp32") });
  await expect(run.add("hf:owner/net", {}, hub.env)).rejects.toThrow("8 ONNX files");
  await run.add("hf:owner/net:fp32", {}, hub.env);
  expect(await run.files()).toEqual(names.map((file) => `fp32/${file}`));
  // One network of it is still a model of its own.
  await run.add("hf:owner/net:fp16/unet/model.onnx", { name: "alone" }, hub.env);
  expect((await run.files()).filter((file) => file.startsWith("alone/"))).toEqual([
    "alone/model.json",
    "alone/model.onnx",
  ]);
});

test("a folder that is nearly a pipeline is not added in part, but for what is named", async () => {
  await using run = await CommandRun.create();
  const folder = run.path("nearly");
  for (const [path, bytes] of Object.entries(files)) {
    await Bun.write(join(folder, path.replace("unet/model.onnx", "unet/model.fp16.onnx")), bytes);
  }
  await expect(run.add(folder)).rejects.toThrow("rename unet/model.fp16.onnx to model.onnx");
  await run.add(folder, { file: "unet/model.fp16.onnx", name: "alone" });
  expect(await run.files()).toEqual(["alone/model.fp16.onnx", "alone/model.json"]);
});

test("a folder is added under its name, and nothing of one that lacks weights", async () => {
  await using run = await CommandRun.create();
  const folder = run.path("exported");
  for (const [path, bytes] of Object.entries({ ...files, ...OTHERS })) {
    await Bun.write(join(folder, path), bytes);
  }
  await run.add(folder);
  expect(await run.files()).toEqual(names.map((file) => `exported/${file}`));
  await rename(join(folder, "text_encoder/model.onnx_data"), join(folder, "elsewhere"));
  await expect(run.add(folder, { name: "cut" })).rejects.toThrow("lacks model.onnx_data");
  expect((await run.files()).filter((file) => !file.startsWith("exported/"))).toEqual([]);
});

test("a pipeline that cannot be used is added, with what it lacks", async () => {
  await using run = await CommandRun.create();
  const folder = run.path("bare");
  for (const [path, bytes] of Object.entries(files)) {
    if (!path.startsWith("tokenizer/")) await Bun.write(join(folder, path), bytes);
  }
  await run.add(folder);
  const printed = run.printed.join("\n");
  expect(printed).toContain("added models/bare, a diffusion pipeline");
  expect(printed).toEndWith("model bare cannot be used: tokenizer is missing");
});
