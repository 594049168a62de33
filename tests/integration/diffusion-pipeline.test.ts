/** Samples with a tiny pipeline, and compares the latents and pictures with those that ComfyUI gave for the same graphs. */
import { afterAll, describe, expect, test } from "bun:test";
import { decodeImage } from "../../src/engine/codec/image-file.ts";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { DiffusionPipeline } from "../../src/engine/diffusion/pipeline.ts";
import { readPipelineFolder } from "../../src/engine/diffusion/pipeline-folder.ts";
import { SAMPLERS, type SamplerName } from "../../src/engine/diffusion/sampler/named-samplers.ts";
import { isScheduleName } from "../../src/engine/diffusion/schedule/named-schedules.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { Picture } from "../../src/media/picture.ts";
import {
  type GoldenCase,
  type GoldenSet,
  goldenSet,
  greatestDifference,
  greatestOf,
} from "../support/golden.ts";
import { sharedData } from "../support/shared-data.ts";

interface GraphNode {
  readonly class_type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

const set = await goldenSet("comfy-tiny/runs");
const pipeline =
  set === null
    ? null
    : await DiffusionPipeline.open(
        await readPipelineFolder(`${sharedData("golden")}/pipeline/tiny-sd`),
        parseDevice("cpu").settings,
      );
afterAll(async () => await pipeline?.release());

/** The classes of graphs that are one run of a pipeline. */
const PLAIN = [
  "CheckpointLoaderSimple",
  "CLIPTextEncode",
  "EmptyLatentImage",
  "LoadImage",
  "VAEEncode",
  "KSampler",
  "VAEDecode",
  "SaveImage",
];

const nodesOf = (its: GoldenCase) => Object.values(its["graph"] as Record<string, GraphNode>);

const isPlain = (its: GoldenCase): boolean => {
  const classes = nodesOf(its).map((node) => node.class_type);
  const once = classes.filter((name) => name === "KSampler").length === 1;
  return once && classes.every((name) => PLAIN.includes(name)) && its.id !== "size-odd-input";
};

const inputsOf = (its: GoldenCase, name: string) =>
  nodesOf(its).find((node) => node.class_type === name)?.inputs ?? {};

/** The seeds of these cases exceed what JSON numbers hold. */
async function seeds(): Promise<ReadonlyMap<string, bigint>> {
  const text = await Bun.file(`${sharedData("golden")}/comfy-tiny/runs.json`).text();
  const exact = text.replace(/"seed": (\d+)/g, '"seed": "$1"');
  const { cases } = JSON.parse(exact) as { cases: GoldenCase[] };
  return new Map(
    cases.map((its) => [its.id, BigInt(String(inputsOf(its, "KSampler")["seed"] ?? 0))]),
  );
}

async function pictureOf(file: string): Promise<Picture> {
  using converter = new PictureConverter(UNRECORDED_CALLS);
  const frame = await decodeImage(await Bun.file(file).bytes());
  try {
    return await converter.toPicture(
      frame,
      { width: frame.width, height: frame.height },
      "stretch",
    );
  } finally {
    frame.free();
  }
}

describe.skipIf(set === null)(
  "ComfyUI's runs of a tiny pipeline (../shared/data/golden/comfy-tiny)",
  () => {
    const golden = set as GoldenSet;
    const exactSeeds = set === null ? null : seeds();

    test.each((set?.cases ?? []).filter(isPlain))("$id", async (its) => {
      const run = inputsOf(its, "KSampler");
      const [positive, negative] = ["positive", "negative"].map((side) => {
        const [node] = run[side] as [string];
        const graph = its["graph"] as Record<string, GraphNode>;
        return String(graph[node]?.inputs["text"]);
      });
      const { image } = inputsOf(its, "LoadImage");
      const { width = 64, height = 64 } = inputsOf(its, "EmptyLatentImage");
      const schedule = String(run["scheduler"]);
      const sampler = String(run["sampler_name"]) as SamplerName;
      if (!isScheduleName(schedule) || !(sampler in SAMPLERS))
        throw new Error(`${its.id}: ${sampler}`);
      const source =
        image === undefined ? null : `${sharedData("golden")}/pipeline/images/source.png`;
      const request = {
        picture: source === null ? null : await pictureOf(source),
        size: { width: Number(width), height: Number(height) },
        conditioning: await (pipeline as DiffusionPipeline).conditioner.pairOf([
          { prompt: positive ?? "", negative_prompt: negative ?? "" },
        ]),
        steps: Number(run["steps"]),
        strength: Number(run["denoise"]),
        guidance: { scale: Number(run["cfg"]), mode: "full" as const, delta: 1 },
        seed: (await exactSeeds)?.get(its.id) ?? 0n,
        sampling: { sampler, schedule, stepSeed: "same" as const },
      };
      const latent = await (pipeline as DiffusionPipeline).sample(request);
      const expected = golden.array(its, "latent");
      const highest = greatestOf(expected);
      expect(greatestDifference(latent, expected) / highest).toBeLessThan(1e-3);

      const [png] = (its["png"] as string[] | null) ?? [];
      if (png === undefined) return;
      const drawn = await (pipeline as DiffusionPipeline).draw(request);
      const { data } = await pictureOf(`${sharedData("golden")}/comfy-tiny/${png}`);
      // ComfyUI's SaveImage truncates where we round: up to one level.
      for (const [at, byte] of data.entries())
        expect(Math.abs((drawn.data[at] ?? 0) - byte)).toBeLessThanOrEqual(2);
    });
  },
);
