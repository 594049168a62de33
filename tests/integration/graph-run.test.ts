/** Runs ComfyUI graphs, and compares what their nodes give with what ComfyUI's own gave. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toBytes } from "../../src/engine/graph/run/pixels.ts";
import type { NodeValue } from "../../src/engine/graph/run/values.ts";
import { parts, type Tensor } from "../../src/engine/models/tensor.ts";
import {
  type GoldenCase,
  type GoldenSet,
  goldenSet,
  greatestDifference,
  greatestOf,
} from "../support/golden.ts";
import {
  GraphBench,
  type GraphOutcome,
  goldenBench,
  parseExact,
  readImages,
} from "../support/graph-runs.ts";
import { sharedData } from "../support/shared-data.ts";

interface Node {
  readonly class_type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}
type Graph = Readonly<Record<string, Node>>;
type Kept = Readonly<Record<string, readonly [node: string, output: number]>>;

const golden = sharedData("golden") ?? "";
const runs = await goldenSet("comfy-tiny/runs");
const controlRuns = await goldenSet("comfy-tiny/control");
const graphRuns = await goldenSet("graph-runs/runs");

const bench = goldenBench();
afterAll(async () => await bench.release());

function tensorOf(value: NodeValue | undefined): Tensor | undefined {
  const tensor = (data: Float32Array, dims: readonly number[]): Tensor => ({
    dtype: "float32",
    data,
    dims,
  });
  switch (value?.type) {
    case "LATENT":
      return tensor(value.value.samples, value.value.shape);
    case "SIGMAS":
      return tensor(value.value, [value.value.length]);
    case "IMAGE": {
      const { data, batch, height, width, channels } = value.value;
      return tensor(data, [batch, height, width, channels]);
    }
    default:
      return undefined;
  }
}

/** Passes within 1e-3 of the greatest value for latents, as the data's README allows; sigmas are closer. */
function expectTensor(value: NodeValue | undefined, expected: Tensor, share: number): void {
  const difference = greatestDifference(tensorOf(value), expected);
  expect(difference / greatestOf(expected)).toBeLessThanOrEqual(share);
}

async function expectPng(outcome: GraphOutcome, picture: number, file: string): Promise<void> {
  const [result] = outcome.results;
  if (result?.kind !== "images") throw new Error("the graph saved no picture");
  const bytes = toBytes(result.images, picture);
  const data = toBytes(await readImages(file), 0);
  let off = 0;
  for (const [at, byte] of data.entries()) {
    const difference = Math.abs((bytes[at] ?? 0) - byte);
    expect(difference).toBeLessThanOrEqual(1);
    if (difference > 0) off++;
  }
  expect(off / data.length).toBeLessThanOrEqual(0.01);
}

/** Runs a case of ComfyUI's own runs, and compares all that was kept of it. */
async function expectRun(
  set: GoldenSet,
  its: GoldenCase,
  graph: unknown,
  runner: GraphBench,
): Promise<GraphOutcome> {
  const outcome = await runner.run(graph);
  for (const name of Object.keys(its["arrays"] as object)) {
    const [kept = "", what, part] = name.split(".");
    const link = (its["keep"] as Kept)[kept];
    if (link === undefined) {
      expect(name).toBe("hint"); // what the ControlNet got first, for one of the prompts
      const expected = set.array(its, name);
      const [first] = outcome.hints;
      const hint = first && parts(first, first.dims[0] ?? 1)[0];
      expect(greatestDifference(hint, expected)).toBeLessThan(1e-6);
      continue;
    }
    const value = outcome.outputs.get(link[0])?.[link[1]];
    const expected = set.array(its, name);
    if (value?.type === "CONDITIONING") {
      const conditioning = value.value[Number(part)]?.conditioning;
      const data = what === "pooled" ? conditioning?.pooled : conditioning?.embeddings;
      if (!data) throw new Error(`${name} is absent`);
      const tensor: Tensor = { dtype: "float32", dims: expected.dims, data };
      expect(greatestDifference(tensor, expected)).toBeLessThan(1e-4);
    } else {
      expectTensor(value, expected, value?.type === "SIGMAS" ? 2e-6 : 1e-3);
    }
  }
  return outcome;
}

const graphsOf = async (file: string): Promise<ReadonlyMap<string, Graph>> => {
  if (golden === "") return new Map(); // its tests are skipped
  const text = await Bun.file(`${golden}/${file}`).text();
  const { cases } = parseExact(text) as { cases: { id: string; graph: Graph }[] };
  return new Map(cases.map(({ id, graph }) => [id, graph]));
};

describe.skipIf(runs === null)(
  "ComfyUI itself on a tiny pipeline (../shared/data/golden/comfy-tiny)",
  () => {
    const graphs = graphsOf("comfy-tiny/runs.json");

    test.each(runs?.cases ?? [])("$id", async (its) => {
      const graph = (await graphs).get(its.id);
      const outcome = await expectRun(runs as GoldenSet, its, graph, bench);
      const calls = outcome.unetCalls.map(({ timestep, batch }) => [timestep, batch]);
      expect(calls).toEqual(its["unet_calls"] as number[][]);
      for (const [picture, file] of ((its["png"] as string[] | null) ?? []).entries()) {
        await expectPng(outcome, picture, `${golden}/comfy-tiny/${file}`);
      }
    });
  },
);

describe.skipIf(controlRuns === null)(
  "ComfyUI with ControlNets (../shared/data/golden/comfy-tiny/control)",
  () => {
    const graphs = graphsOf("comfy-tiny/control.json");
    /** The tiny pipeline with a denoiser that takes residuals. */
    const steered = Promise.withResolvers<{ folder: string; runner: GraphBench }>();
    beforeAll(async () => {
      const folder = await mkdtemp(join(tmpdir(), "steered-"));
      for (const part of ["text_encoder", "tokenizer", "scheduler", "vae_encoder", "vae_decoder"]) {
        await symlink(`${golden}/pipeline/tiny-sd/${part}`, join(folder, part));
      }
      const control = `${golden}/pipeline-control/tiny-control`;
      await symlink(`${control}/unet`, join(folder, "unet"));
      const images = `${golden}/pipeline-control/images`;
      const runner = new GraphBench({
        models: { "tiny-sd": folder, "tiny-control": control },
        images: {
          "hint.png": `${images}/hint.png`,
          "hint2.png": `${images}/hint2.png`,
          "source.png": `${golden}/graph-runs/inputs/source.png`,
        },
      });
      steered.resolve({ folder, runner });
    });
    afterAll(async () => {
      const { folder, runner } = await steered.promise;
      await runner.release();
      await rm(folder, { recursive: true });
    });

    test.each(controlRuns?.cases ?? [])("$id", async (its) => {
      const graph = (await graphs).get(its.id);
      const { runner } = await steered.promise;
      const { unetCalls } = await expectRun(controlRuns as GoldenSet, its, graph, runner);
      const calls = unetCalls.map(({ timestep, batch, isControlled }) => {
        return [timestep, batch, isControlled ? 1 : 0];
      });
      expect(calls).toEqual(its["unet_calls"] as number[][]);
    });
  },
);

describe.skipIf(graphRuns === null)("more graphs (../shared/data/golden/graph-runs)", () => {
  const set = graphRuns as GoldenSet;
  test.each(graphRuns?.cases ?? [])("$id", async (its) => {
    const file = `${golden}/graph-runs/${its["graph"]}`;
    const graph = parseExact(await Bun.file(file).text()) as Graph;
    const outcome = await bench.run(graph);
    const [decode] = Object.values(graph).filter((one) => one.class_type === "VAEDecode");
    const [node, slot] = (decode?.inputs["samples"] ?? ["", 0]) as [string, number];
    expectTensor(outcome.outputs.get(node)?.[slot], set.array(its, "latent"), 1e-3);
    for (const [at, text] of (its["cond_texts"] as string[]).entries()) {
      const [encoder] = Object.entries(graph).find(
        ([, one]) => one.class_type === "CLIPTextEncode" && one.inputs["text"] === text,
      ) as [string, Node];
      const value = outcome.outputs.get(encoder)?.[0];
      if (value?.type !== "CONDITIONING") throw new Error(`${encoder} gave no conditioning`);
      const expected = set.array(its, `cond${at}`);
      const data = value.value[0]?.conditioning.embeddings as Float32Array;
      expect(
        greatestDifference({ dtype: "float32", dims: expected.dims, data }, expected),
      ).toBeLessThan(1e-4);
    }
    const [png] = its["pngs"] as string[];
    await expectPng(outcome, 0, `${golden}/graph-runs/${png}`);
  });
});

describe.skipIf(golden === "")("ComfyUI's default graphs (../shared/data/golden/graphs)", () => {
  const control = `${golden}/pipeline-control/tiny-control`;
  const tiny = `${golden}/pipeline/tiny-sd`;
  const defaults = new GraphBench({
    models: {
      tiny,
      "tiny-clip": tiny,
      "tiny-vae": `${golden}/pipeline/tiny-taesd`,
      "tiny-unet": control,
      "tiny-control": control,
    },
    images: { "example.png": `${golden}/graph-runs/inputs/source.png` },
  });
  afterAll(async () => await defaults.release());

  test.each(["txt2img", "img2img", "turbo", "loaders-lcm-control"])(
    "%s runs unchanged",
    async (name) => {
      const graph = parseExact(await Bun.file(`${golden}/graphs/${name}-api.json`).text());
      const { results } = await defaults.run(graph);
      const [result] = results;
      if (result?.kind !== "images") throw new Error("the graph saved no picture");
      const { batch, height, width, data } = result.images;
      expect([batch, height, width]).toEqual([1, 64, 64]);
      expect(new Set(toBytes(result.images, 0)).size).toBeGreaterThan(10); // not one flat colour
      expect(data.every((value) => value >= 0 && value <= 1)).toBe(true);
    },
  );
});
