/** Draws as pipelines of diffusers do, and compares the latents and pictures with theirs. */
import { afterAll, describe, expect, test } from "bun:test";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { DiffusionPipeline } from "../../src/engine/diffusion/pipeline.ts";
import {
  type PipelineFolder,
  readPipelineFolder,
  readPipelineParts,
} from "../../src/engine/diffusion/pipeline-folder.ts";
import { type GoldenCase, goldenSet, greatestDifference, greatestOf } from "../support/golden.ts";
import { pictureOf } from "../support/image-files.ts";
import { maxDifference } from "../support/onnx-workspace.ts";
import { sharedData } from "../support/shared-data.ts";

const golden = sharedData("golden");

const opened = new Map<string, Promise<DiffusionPipeline>>();
afterAll(async () => {
  for (const pipeline of opened.values()) await (await pipeline).release();
});

/** A pipeline with the scheduler of the case. */
function pipelineFor(its: GoldenCase, name: string): Promise<DiffusionPipeline> {
  const scheduler = { ...(its["config"] as object), _class_name: its["scheduler"] };
  const key = JSON.stringify([name, scheduler]);
  const known = opened.get(key) ?? open(name, scheduler);
  opened.set(key, known);
  return known;
}

/** `tiny-taesd` is a VAE; the rest is that of `tiny-sd`. */
async function partsOf(name: string): Promise<PipelineFolder> {
  if (name === "tiny-xl") return await readPipelineFolder(`${golden}/pipeline-xl/tiny-xl`);
  const parts = await readPipelineFolder(`${golden}/pipeline/tiny-sd`);
  if (name === "tiny-sd") return parts;
  const { networks } = await readPipelineParts(`${golden}/pipeline/tiny-taesd`);
  return { ...parts, networks: { ...parts.networks, ...networks }, scalingFactor: 1 };
}

async function open(name: string, scheduler: PipelineFolder["scheduler"]) {
  const parts = await partsOf(name);
  return await DiffusionPipeline.open({ ...parts, scheduler }, parseDevice("cpu").settings);
}

const pngOf = async (path: string) =>
  await pictureOf(`data:image/png;base64,${Buffer.from(await Bun.file(path).bytes()).toBase64()}`);

/** What the product has no parameter for, and texts of more than one chunk, which diffusers cuts. */
const isApart = (its: GoldenCase): boolean =>
  its["eta"] !== undefined ||
  its["original_size"] !== undefined ||
  String(its["prompt"]).length > 300;

for (const folder of ["pipeline", "pipeline-xl"]) {
  const set = await goldenSet(`${folder}/pipelines`);
  describe.skipIf(set === null)(`pipelines of diffusers (../shared/data/golden/${folder})`, () => {
    test.each((set?.cases ?? []).filter((its) => !isApart(its)))("$id", async (its) => {
      if (set === null) throw new Error("golden is absent");
      const pipeline = await pipelineFor(its, String(its["models"] ?? "tiny-xl"));
      const source = its["source"];
      const latent = await pipeline.sample({
        picture: source === undefined ? null : await pngOf(`${golden}/${folder}/${source}`),
        size: { width: 64, height: 64 },
        conditioning: await pipeline.conditioner.pairOf([
          {
            prompt: String(its["prompt"]),
            ...(its["negative_prompt"] !== null && {
              negative_prompt: String(its["negative_prompt"]),
            }),
          },
        ]),
        steps: Number(its["steps"]),
        strength: Number(its["strength"] ?? 1),
        guidance: { scale: Number(its["guidance"]), mode: "full", delta: 1 },
        seed: BigInt(Number(its["seed"])),
        rules: "diffusers",
      });
      const all = set.array(its, "latents");
      const last = (all.data as Float32Array).slice(-latent.data.length);
      const scale =
        its["models"] === "tiny-taesd" ? 1 : folder === "pipeline-xl" ? 0.13025 : 0.18215;
      const expected = { ...latent, data: last.map((value) => value / scale) };
      expect(greatestDifference(latent, expected) / greatestOf(expected)).toBeLessThan(1e-3);
      if (its["image"] === undefined) return;
      const wanted = await pngOf(`${golden}/${folder}/${its["image"]}`);
      expect(maxDifference(await pipeline.decode(latent), wanted)).toBeLessThanOrEqual(1);
    });
  });
}
