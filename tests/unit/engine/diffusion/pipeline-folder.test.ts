import { expect, test } from "bun:test";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readPipelineFolder } from "../../../../src/engine/diffusion/pipeline-folder.ts";
import { readModelFolder } from "../../../../src/engine/models/model-folder.ts";
import { OnnxWorkspace } from "../../../support/onnx-workspace.ts";
import { writePipeline } from "../../../support/synthetic-pipeline.ts";

test("without a configuration of the VAE latents are scaled as the pipeline's kind wants it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pipeline-"));
  try {
    await writePipeline(folder);
    expect((await readPipelineFolder(folder)).scalingFactor).toBe(1); // as it says
    await rm(join(folder, "vae_decoder/config.json"));
    expect((await readPipelineFolder(folder)).scalingFactor).toBe(0.18215);
    await Bun.write(join(folder, "text_encoder_2/model.onnx"), "");
    expect((await readPipelineFolder(folder)).scalingFactor).toBe(0.13025);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("a configuration is read as Python writes it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pipeline-"));
  try {
    await writePipeline(folder);
    const config =
      '{"_class_name": "DPMSolverMultistepScheduler", "lambda_min_clipped": -Infinity}';
    await Bun.write(join(folder, "scheduler/scheduler_config.json"), config);
    const { scheduler } = await readPipelineFolder(folder);
    expect(scheduler["lambda_min_clipped"]).toBeNull();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

const UNUSABLE: readonly [what: string, spoil: (folder: string) => unknown, reason: string][] = [
  ["no tokenizer", (at) => rm(`${at}/tokenizer`, { recursive: true }), "tokenizer is missing"],
  [
    "a tokenizer without its merges",
    (at) => rm(`${at}/tokenizer/merges.txt`),
    "tokenizer has neither vocab.json and merges.txt nor tokenizer.json",
  ],
  [
    "a vocabulary that is cut short",
    (at) => Bun.write(`${at}/tokenizer/vocab.json`, '{"a": 1, '),
    "tokenizer holds a vocab.json that is not valid JSON",
  ],
  [
    "a scheduler that is not known",
    (at) => Bun.write(`${at}/scheduler/scheduler_config.json`, '{"_class_name": "XScheduler"}'),
    'scheduler/scheduler_config.json: _class_name is "XScheduler"; known: Euler',
  ],
];
test.each(UNUSABLE)(
  "a pipeline with %s is known to be unusable before it is loaded",
  async (_, spoil, reason) => {
    await using workspace = await OnnxWorkspace.create();
    const folder = join(workspace.path, "models/sd");
    await writePipeline(folder);
    expect(await readModelFolder(workspace.path, "sd")).toMatchObject({ state: "usable" });
    await spoil(folder);
    const entry = await readModelFolder(workspace.path, "sd");
    if (entry?.state !== "broken") throw new Error(`it is ${entry?.state}`);
    expect(entry.error.message).toStartWith(`model sd cannot be used: ${reason}`);
  },
);

test("a second text encoder needs a tokenizer of its own", async () => {
  await using workspace = await OnnxWorkspace.create();
  const folder = join(workspace.path, "models/xl");
  await writePipeline(folder);
  await cp(join(folder, "text_encoder"), join(folder, "text_encoder_2"), { recursive: true });
  const problem = { error: { message: "model xl cannot be used: tokenizer_2 is missing" } };
  expect(await readModelFolder(workspace.path, "xl")).toMatchObject(problem);
  await cp(join(folder, "tokenizer"), join(folder, "tokenizer_2"), { recursive: true });
  expect(await readModelFolder(workspace.path, "xl")).toMatchObject({ state: "usable" });
});
