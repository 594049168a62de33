/** Guidance by a negative prompt: evaluations that each mode needs, and residual guidance against its published form. */
import { describe, expect, test } from "bun:test";
import { kSample } from "../../../../../src/engine/diffusion/sampler/k-sampler.ts";
import {
  denoiseByPrompts,
  type Evaluate,
  GUIDANCE_MODES,
  type Guidance,
  type GuidanceMode,
} from "../../../../../src/engine/diffusion/sampler/prompt-guidance.ts";
import { kSamplerSigmas } from "../../../../../src/engine/diffusion/schedule/named-schedules.ts";
import type { Prediction } from "../../../../../src/engine/diffusion/schedule/prediction.ts";
import {
  distilledTable,
  SigmaTable,
  trainedSigmas,
} from "../../../../../src/engine/diffusion/schedule/sigma-table.ts";
import { TorchGenerator } from "../../../../../src/engine/random/torch-noise.ts";
import { analyticNoise } from "./analytic-model.ts";

const COUNT = 64;
const SEED = 7n;
const consistencyTable = distilledTable(trainedSigmas());
const shape = [1, 1, 8, 8] as const;
const start = new TorchGenerator(3).randn(COUNT);

/** A network of one formula, which counts how often it is evaluated. */
function network() {
  const calls: string[] = [];
  const evaluate: Evaluate = async (evaluations) =>
    evaluations.map(({ input, timestep, prompt }) => {
      calls.push(prompt);
      return analyticNoise(prompt === "positive" ? 0.7 : -0.3, input, timestep);
    });
  return { calls, evaluate };
}

interface Run {
  readonly guidance: Guidance;
  readonly steps: number;
  readonly strength?: number;
  readonly sampler?: "lcm" | "euler" | "heun";
  readonly prediction?: Prediction;
}

async function sampled({ guidance, steps, strength = 0.5, sampler = "lcm", ...rest }: Run) {
  const { calls, evaluate } = network();
  const table = sampler === "lcm" ? consistencyTable : new SigmaTable(trainedSigmas());
  const { prediction = sampler === "lcm" ? "lcm" : "eps" } = rest;
  const denoise = denoiseByPrompts(evaluate, { table, prediction }, guidance, () => start);
  const { samples } = await kSample(
    { denoise, table, latentScale: 1 },
    { samples: start, shape },
    { steps, denoise: strength, sampler, schedule: "sgm_uniform", seed: SEED },
  );
  return { samples, calls };
}

const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, at) => Math.abs(value - (b[at] ?? Number.NaN))));

test.each([
  ["full", 8],
  ["once", 5],
  ["self", 4],
] as const)("%s evaluates the network %d times in four steps", async (mode, count) => {
  const { calls } = await sampled({ guidance: { scale: 2, mode, delta: 1 }, steps: 4 });
  expect(calls).toHaveLength(count);
});

test.each(GUIDANCE_MODES)("a guidance of 1 is the positive prompt alone: %s", async (mode) => {
  const plain = await sampled({ guidance: { scale: 1, mode: "full", delta: 1 }, steps: 4 });
  const { samples, calls } = await sampled({ guidance: { scale: 1, mode, delta: 1 }, steps: 4 });
  expect(calls).toEqual(["positive", "positive", "positive", "positive"]);
  expect(samples).toEqual(plain.samples);
});

test.each(["eps", "v_prediction", "x0"] as const)(
  "in a single step, once is full: a network that predicts %s",
  async (prediction) => {
    const run = { steps: 1, sampler: "euler", prediction } as const;
    const once = await sampled({ ...run, guidance: { scale: 3, mode: "once", delta: 1 } });
    const full = await sampled({ ...run, guidance: { scale: 3, mode: "full", delta: 1 } });
    expect(distance(once.samples, full.samples)).toBeLessThan(1e-5);
  },
);

test.each(["once", "self"] as const)(
  "%s guides samplers that evaluate twice a step as well, and delta moderates it",
  async (mode) => {
    const run = (scale: number, delta: number) =>
      sampled({ steps: 2, sampler: "heun", guidance: { scale, mode, delta } });
    const [plain, whole, half] = [await run(1, 1), await run(1.5, 1), await run(1.5, 0.5)];
    expect(distance(whole.samples, plain.samples)).toBeGreaterThan(0.01);
    expect(distance(half.samples, whole.samples)).toBeGreaterThan(0.01);
    expect(half.calls).toHaveLength(mode === "self" ? 3 : 4);
  },
);

/**
 * Residual guidance as its authors compute it: latents of constant variance, and a stock of noise that is carried along
 * from step to step, at first the noise of the start.
 */
function published({ scale, mode, delta }: Guidance, sigmas: readonly number[]): Float32Array {
  const alpha = (sigma: number) => 1 / Math.sqrt(1 + sigma ** 2);
  const beta = (sigma: number) => sigma * alpha(sigma);
  const steps = new TorchGenerator(SEED + 1n);
  let noise = new TorchGenerator(SEED).randn(COUNT);
  let clean = start;
  let stock: Float32Array | null = null;
  for (const [index, sigma] of sigmas.entries()) {
    const t = consistencyTable.timestep(sigma);
    const [a, b] = [alpha(sigma), beta(sigma)];
    const x = clean.map((value, at) => a * value + b * (noise[at] ?? 0));
    stock ??= noise;
    const text = analyticNoise(0.7, x, t);
    if (mode === "once" && index === 0) stock = analyticNoise(-0.3, x, t);
    const away = stock.map((value) => value * delta);
    const guided = text.map((value, at) => (away[at] ?? 0) + scale * (value - (away[at] ?? 0)));
    clean = x.map((value, at) => (value - b * (guided[at] ?? 0)) / a);
    const moved = stock.map((value, at) => (b / a) * (value - (guided[at] ?? 0)));
    const next = sigmas[index + 1];
    if (next === undefined) break;
    noise = steps.randn(COUNT);
    stock = noise.map((value, at) => value + (alpha(next) / beta(next)) * (moved[at] ?? 0));
  }
  return clean;
}

describe("residual guidance is that of StreamDiffusion", () => {
  const cases: [GuidanceMode, number, number][] = [
    ["self", 1.4, 1],
    ["self", 1.2, 0.5],
    ["once", 1.4, 1],
    ["once", 2, 0.7],
  ];
  test.each(cases)("%s, guidance %d, delta %d", async (mode, scale, delta) => {
    const guidance = { mode, scale, delta };
    const { samples } = await sampled({ guidance, steps: 4, strength: 1 / 2 });
    const request = { schedule: "sgm_uniform", steps: 4, denoise: 1 / 2 } as const;
    const sigmas = [...kSamplerSigmas(consistencyTable, request).subarray(0, 4)];
    expect(distance(samples, published(guidance, sigmas))).toBeLessThan(1e-4);
  });
});
