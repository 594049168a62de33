/** Prompts of a step that run together: as many as fit, and each gets what it would get alone. */
import { afterAll, beforeAll, expect, spyOn, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { ConditionedDenoiser } from "../../src/engine/diffusion/conditioned-denoiser.ts";
import { Denoiser } from "../../src/engine/diffusion/networks/denoiser.ts";
import { SigmaTable, trainedSigmas } from "../../src/engine/diffusion/schedule/sigma-table.ts";
import { evaluate } from "../../src/engine/graph/run/evaluate.ts";
import type { PlacedPrompt } from "../../src/engine/graph/run/placed-prompt.ts";
import { denoiserGraph, EMBEDDING } from "../support/denoiser-graph.ts";

let folder = "";
let denoiser: Denoiser;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "denoisers-"));
  const path = join(folder, "denoiser.onnx");
  await Bun.write(path, denoiserGraph());
  denoiser = await Denoiser.open(path, parseDevice("cpu").settings);
});
afterAll(async () => {
  await denoiser.release();
  await rm(folder, { recursive: true, force: true });
});

const table = new SigmaTable(trainedSigmas());

function promptOf(value: number, side: number, tokens: number): PlacedPrompt {
  const embeddings = new Float32Array(tokens * EMBEDDING).fill(value);
  return {
    conditioning: { embeddings, tokens, width: EMBEDDING, pooled: null },
    area: { y: 0, x: 0, height: side, width: side },
    weights: new Float32Array(0),
    batch: 1,
    control: null,
    sizes: [768, 768, 0, 0, 768, 768] as const,
    start: Number.POSITIVE_INFINITY,
    end: 0,
  };
}

/** The batches that the denoiser ran for prompts with the values 0, 1, 2 …, and the first number that each got. */
async function evaluated(side: number, pictures: number, tokens: readonly number[]) {
  const shape = [pictures, 4, side, side] as const;
  const input = new Float32Array(pictures * 4 * side * side).fill(2);
  const prompts = tokens.map((count, value) => promptOf(value, side, count));
  const predict = spyOn(denoiser, "predict");
  try {
    const step = { input, shape, timestep: 0, sigma: 1, table };
    const outputs = (await evaluate(new ConditionedDenoiser(denoiser), prompts, step)).map(
      ({ output }) => output,
    );
    const runs = predict.mock.calls.map(([{ sample, embeddings }]) => {
      return { batch: sample.dims[0], tokens: embeddings.dims[1] };
    });
    return {
      runs,
      firsts: outputs.map((output) => output[0]),
      lengths: outputs.map((o) => o.length),
    };
  } finally {
    predict.mockRestore();
  }
}

test("prompts of small pictures run together", async () => {
  const { runs, firsts } = await evaluated(64, 1, [77, 77, 77]);
  expect(runs).toEqual([{ batch: 3, tokens: 77 }]);
  expect(firsts).toEqual([1, 2, 3]);
});

test("prompts of large pictures, or of many, run one after the other", async () => {
  for (const [side, pictures] of [
    [256, 1],
    [64, 16],
  ] as const) {
    const { runs, firsts, lengths } = await evaluated(side, pictures, [77, 77, 77]);
    expect(runs).toEqual(Array(3).fill({ batch: pictures, tokens: 77 }));
    expect(firsts).toEqual([1, 2, 3]);
    expect(lengths).toEqual(Array(3).fill(pictures * 4 * side * side));
  }
});

test("no prompt is repeated more than four times for the others of its batch", async () => {
  // Each fits the first one's length, all of them together would be twelve times as long as the shortest.
  const { runs, firsts } = await evaluated(
    8,
    1,
    [12, 3, 4, 36, 48].map((chunks) => chunks * 77),
  );
  expect(runs).toEqual([
    { batch: 3, tokens: 12 * 77 },
    { batch: 2, tokens: 144 * 77 },
  ]);
  expect(firsts).toEqual([1, 2, 3, 4, 5]);
});
