import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readPipelineFolder } from "../../../../src/engine/diffusion/pipeline-folder.ts";
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
