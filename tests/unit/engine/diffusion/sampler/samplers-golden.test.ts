/** Compares whole sampler runs with those of ComfyUI's own nodes, step by step, on an analytic network. */
import { describe, expect, test } from "bun:test";
import { kSample } from "../../../../../src/engine/diffusion/sampler/k-sampler.ts";
import { type Latent, latentSize } from "../../../../../src/engine/diffusion/sampler/latent.ts";
import {
  SAMPLERS,
  type SamplerName,
} from "../../../../../src/engine/diffusion/sampler/named-samplers.ts";
import {
  type SampleResult,
  type StepSeed,
  sampleLatent,
} from "../../../../../src/engine/diffusion/sampler/sample-latent.ts";
import type { SamplerStep } from "../../../../../src/engine/diffusion/sampler/sampler.ts";
import type { ScheduleName } from "../../../../../src/engine/diffusion/schedule/named-schedules.ts";
import { turboSigmas } from "../../../../../src/engine/diffusion/schedule/table-schedules.ts";
import { type GoldenCase, goldenCases, worstRatio } from "../../../../support/golden-arrays.ts";
import { analyticModel } from "./analytic-model.ts";

interface Run {
  readonly node: "KSampler" | "KSamplerAdvanced" | "SamplerCustom" | "none";
  readonly sampler: SamplerName;
  readonly scheduler: ScheduleName;
  readonly steps: number;
  readonly cfg: number;
  readonly latent: string;
  readonly denoise: number;
  readonly seed?: number | string;
  readonly noise_seed?: number | string;
  readonly add_noise?: "enable" | "disable" | boolean;
  readonly start_at_step: number;
  readonly end_at_step: number;
  readonly return_with_leftover_noise: "enable" | "disable";
  readonly calls: readonly number[];
}

/** The latent that a case names, from the arrays of the case "inputs". */
function latentOf(name: string, inputs: GoldenCase<unknown>): Latent {
  if (name === "zero") return { samples: new Float32Array(256), shape: [1, 4, 8, 8] };
  if (name.startsWith("img2")) {
    const latent: Latent = { samples: inputs.array("img2"), shape: [2, 4, 8, 8] };
    return name === "img2" ? latent : { ...latent, batchIndex: [3, 1] };
  }
  const latent: Latent = { samples: inputs.array("img"), shape: [1, 4, 8, 8] };
  const mask = { values: inputs.array("mask"), batch: 1, height: 64, width: 64 };
  return name === "img" ? latent : { ...latent, noiseMask: mask };
}

interface Traced extends SampleResult {
  readonly calls: readonly number[];
  readonly x: Float32Array;
  readonly denoisedSteps: Float32Array;
}

async function run(one: Run, latent: Latent, stepSeed: StepSeed): Promise<Traced> {
  const { model, calls } = analyticModel(one.cfg);
  const steps: SamplerStep[] = [];
  const request = {
    seed: BigInt(one.seed ?? one.noise_seed ?? 0),
    noise: one.add_noise === "disable" ? "none" : "seeded",
    stepSeed,
    onStep: (step: SamplerStep) => {
      expect(step.index).toBe(steps.length);
      steps.push({ ...step, x: step.x.slice() });
    },
  } as const;
  const named = { ...request, sampler: one.sampler, schedule: one.scheduler, steps: one.steps };
  let result: SampleResult;
  if (one.node === "KSampler") {
    result = await kSample(model, latent, { ...named, denoise: one.denoise });
  } else if (one.node === "KSamplerAdvanced") {
    const leftoverNoise = one.return_with_leftover_noise === "enable" ? "returned" : "removed";
    const part = { start: one.start_at_step, end: one.end_at_step, leftoverNoise } as const;
    result = await kSample(model, latent, { ...named, part });
  } else {
    const sigmas = turboSigmas(model.table, one.steps, one.denoise);
    result = await sampleLatent(model, latent, {
      ...request,
      method: SAMPLERS[one.sampler],
      sigmas,
    });
  }
  return {
    ...result,
    calls,
    x: join(steps.map(({ x }) => x)),
    denoisedSteps: join(steps.map(({ denoised }) => denoised)),
  };
}

function join(arrays: readonly Float32Array[]): Float32Array {
  return Float32Array.from(arrays.flatMap((array) => [...array]));
}

/** The reference lists the calls of this case together with those of runs after it. */
const RUN_ON = "lcm-karras-4-seed1234567890123";
/** ComfyUI reports the start as `x` in every step of these samplers. */
const START_ALONE: ReadonlySet<SamplerName> = new Set(["ipndm", "deis"]);

const all = goldenCases<Run>("samplers/samplers");
const inputs = all.find(({ id }) => id === "inputs");

/** Runs a case and returns its largest error as a share of the largest expected value. */
async function worstError(one: GoldenCase<Run>, stepSeed: StepSeed): Promise<number> {
  if (inputs === undefined) throw new Error("the case with the inputs is missing");
  const latent = latentOf(one.latent, inputs);
  const traced = await run(one, latent, stepSeed);
  const calls = one.id === RUN_ON ? one.calls.slice(0, traced.calls.length) : one.calls;
  expect(traced.calls).toEqual(calls);
  const worst = [worstRatio(traced.samples, one.array("out"))];
  if (one.has("x")) {
    const x = one.array("x");
    const compared = START_ALONE.has(one.sampler) ? latentSize(latent.shape) : x.length;
    worst.push(worstRatio(traced.x.subarray(0, compared), x.subarray(0, compared)));
    worst.push(worstRatio(traced.denoisedSteps, one.array("denoised")));
  }
  return Math.max(...worst);
}

for (const [name, stepSeed] of [
  ["samplers", "same"],
  ["seed-plus-one", "next"],
] as const) {
  describe(`equal to ComfyUI, ${name}:`, () => {
    const runs = goldenCases<Run>(`samplers/${name}`).filter(({ node }) => node !== "none");
    for (const one of runs) {
      test(one.title, async () => {
        expect(await worstError(one, stepSeed)).toBeLessThanOrEqual(1e-3);
      });
    }
    test("the median error is at most 2e-5", async () => {
      const errors: number[] = [];
      for (const one of runs) errors.push(await worstError(one, stepSeed));
      const median = errors.sort((a, b) => a - b)[errors.length >> 1] as number;
      expect(median).toBeLessThanOrEqual(2e-5);
    });
  });
}
