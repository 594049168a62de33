/** Denoisers as exporters write them: whatever their names, types and sizes, rows get what each of them gets alone. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { ConditionedDenoiser } from "../../src/engine/diffusion/conditioned-denoiser.ts";
import { Denoiser } from "../../src/engine/diffusion/networks/denoiser.ts";
import { guidanceEmbedding } from "../../src/engine/diffusion/networks/guidance-embedding.ts";
import type { DenoiserRow } from "../../src/engine/diffusion/row-groups.ts";
import { type DenoiserForm, denoiserGraph, EMBEDDING } from "../support/denoiser-graph.ts";

const { settings } = parseDevice("cpu");
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "denoisers-"));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

async function open(form: DenoiserForm): Promise<Denoiser> {
  const path = join(folder, `${crypto.randomUUID()}.onnx`);
  await Bun.write(path, denoiserGraph(form));
  return await Denoiser.open(path, settings);
}

const conditioning = (value: number, tokens = 3) => ({
  embeddings: new Float32Array(tokens * EMBEDDING).fill(value),
  tokens,
  width: EMBEDDING,
  pooled: null,
});
const [positive, negative] = [conditioning(0.25), conditioning(-1)];

const row = (value: number, timestep: number, conditioning = positive): DenoiserRow => ({
  sample: new Float32Array(16).fill(value),
  height: 2,
  width: 2,
  timestep,
  conditioning,
  sizes: [16, 16, 0, 0, 16, 16],
  controls: [],
});

/** Rows of a stream: frames at timesteps of their own, one of which needs the negative prompt. */
const rows: readonly DenoiserRow[] = [
  row(1, 999),
  ...[row(1, 999, negative), row(2, 500), row(3, 250)],
];
const expected = [0.5 + 0.999 + 0.25, 0.5 + 0.999 - 1, 1 + 0.5 + 0.25, 1.5 + 0.25 + 0.25];

describe("rows at timesteps of their own", () => {
  const forms: [string, DenoiserForm, number][] = [
    ["a scalar int64 timestep, as Optimum exports it", {}, 1],
    ["a list of one timestep", { timestepDims: [1] }, 1],
    ["a list of free length", { timestepDims: ["steps"], timestep: "float32" }, 1],
    ["half precision throughout", { floats: "float16", timestep: "float16" }, 1],
    ["half precision with an integer timestep", { floats: "float16" }, 1],
    ["a batch of 1 that is fixed", { batch: 1 }, 4],
    ["a batch of 2 that is fixed", { batch: 2, timestepDims: [2] }, 2],
    ["a batch of 8 that is fixed", { batch: 8, timestepDims: [8] }, 1],
    ["a timestep that all rows share", { timestepUse: "scalar" }, 3],
    ["latents of a fixed size", { sides: [2, 2] }, 1],
  ];
  test.each(forms)("%s", async (_, form, runs) => {
    const denoiser = await open(form);
    const conditioned = new ConditionedDenoiser(denoiser);
    const outputs = await conditioned.evaluate(rows);
    for (const [at, output] of outputs.entries()) {
      expect(output).toHaveLength(16);
      for (const value of output) expect(value).toBeCloseTo(expected[at] ?? 0, 2);
    }
    expect(conditioned.runs).toBe(runs);
    await denoiser.release();
  });

  test("prompts of different lengths share a run, where one fits into the other", async () => {
    const denoiser = await open({});
    const conditioned = new ConditionedDenoiser(denoiser);
    const pair = (tokens: number): DenoiserRow[] => [
      { ...(rows[0] as DenoiserRow), conditioning: positive },
      { ...(rows[0] as DenoiserRow), conditioning: conditioning(-1, tokens) },
    ];
    expect((await conditioned.evaluate(pair(6)))[1]?.[0]).toBeCloseTo(0.499, 5);
    expect(conditioned.runs).toBe(1);
    expect((await conditioned.evaluate(pair(17)))[1]?.[0]).toBeCloseTo(0.499, 5);
    expect(conditioned.runs).toBe(3);
    await denoiser.release();
  });
});

describe("a consistency model that was trained with guidance inside", () => {
  test("gets its guidance as a vector", async () => {
    const denoiser = await open({ guidanceWidth: 256 });
    expect(denoiser.guidanceWidth).toBe(256);
    const conditioned = new ConditionedDenoiser(denoiser);
    const at = async (guidance: number) => {
      const [first, second] = await conditioned.evaluate(rows.slice(0, 2), guidance);
      expect((first?.[0] ?? 0) - (second?.[0] ?? 0)).toBeCloseTo(1.25, 4);
      return (first?.[0] ?? 0) - (expected[0] ?? 0);
    };
    expect(await at(1)).toBeCloseTo(0, 4);
    expect(await at(8.5)).toBeCloseTo(Math.sin(7500), 3);
    await denoiser.release();
  });

  test("runs with the usual guidance where its caller knows nothing of it", async () => {
    const denoiser = await open({ guidanceWidth: 256, batch: "batch" });
    const { data } = await denoiser.predict({
      sample: { dtype: "float32", dims: [1, 4, 2, 2], data: new Float32Array(16) },
      timestep: 0,
      embeddings: { dtype: "float32", dims: [1, 1, EMBEDDING], data: new Float32Array(EMBEDDING) },
    });
    expect(Number(data[0])).toBeCloseTo(Math.sin(7500), 3);
    await denoiser.release();
  });

  test("the vector holds sines and cosines of falling frequency", () => {
    const embedding = guidanceEmbedding(8.5, 256);
    // Computed with numpy, in single precision.
    const known = { 0: -0.851236, 1: 0.842131, 50: -0.988206, 127: 0.681639, 128: -0.524783 };
    for (const [at, value] of Object.entries({ ...known, 200: -0.939037, 255: 0.731689 })) {
      expect(embedding[Number(at)]).toBeCloseTo(value, 2);
    }
    expect(guidanceEmbedding(1, 5)).toEqual(Float32Array.of(0, 0, 1, 1, 0));
  });
});
