/** Compares runs of diffusers' schedulers with those of diffusers itself. */
import { describe, expect, test } from "bun:test";
import {
  firstStepFor,
  schedulerRun,
} from "../../../../../src/engine/diffusion/sampler/diffusers/scheduler.ts";
import { schedulerConfig } from "../../../../../src/engine/diffusion/sampler/diffusers/scheduler-config.ts";
import { TorchGenerator } from "../../../../../src/engine/random/torch-noise.ts";
import {
  expectClose,
  type GoldenCase,
  goldenCases,
  worstRatio,
} from "../../../../support/golden-arrays.ts";
import { analyticNoise } from "./analytic-model.ts";

const scaled = (values: Float32Array, factor: number): Float32Array =>
  values.map((value) => value * factor);

interface Run {
  readonly scheduler: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly steps: number;
  readonly seed: number;
  readonly init_noise_sigma: number;
}

const runOf = (one: Pick<Run, "scheduler" | "config" | "steps"> & { readonly eta?: number }) =>
  schedulerRun(schedulerConfig({ ...one.config, _class_name: one.scheduler }), one.steps, one.eta);

const alone = goldenCases<Run>("pipeline/schedulers");
describe("equal to diffusers, on an analytic network:", () => {
  for (const one of alone) {
    test(one.title, () => {
      const run = runOf(one);
      const timesteps = one.array("timesteps");
      // Karras sigmas have fractional timesteps, which depend on the last bit of torch's trained sigmas.
      const isWhole = timesteps.every(Number.isInteger);
      expectClose(run.timesteps, timesteps, isWhole ? {} : { rtol: 2e-7 });
      expectClose([run.initNoiseSigma], [one.init_noise_sigma], { rtol: 2e-6 });
      // Log-linear sigmas come with one more than there are steps, which no step reads.
      if (one.has("sigmas")) expectClose(run.sigmas ?? [], one.array("sigmas"), { rtol: 2e-6 });

      const generator = new TorchGenerator(one.seed);
      let x = scaled(generator.randn(256), run.initNoiseSigma);
      const path = [...x];
      for (const [index, timestep] of run.timesteps.entries()) {
        const output = analyticNoise(0.7, run.scaleInput(x, index), timestep);
        x = run.step({ index, x, output, drawNoise: () => generator.randn(256) });
        path.push(...x);
      }
      if (one.has("x")) expect(worstRatio(path, one.array("x"))).toBeLessThanOrEqual(1e-4);
      else expect(worstRatio(x, one.array("last"))).toBeLessThanOrEqual(1e-4);
    });
  }
});

/** What whole pipelines did around their networks: timesteps, and how often and which noise they drew. */
interface PipelineRun extends Run {
  readonly kind?: "t2i" | "i2i";
  readonly models?: "tiny-sd" | "tiny-taesd";
  readonly strength?: number;
  readonly eta?: number;
  readonly timesteps: readonly number[];
  /** In reference numbers that hold the end of the noise alone. */
  readonly noise_shape?: readonly number[];
}

function checkPipeline(one: GoldenCase<PipelineRun>): void {
  const run = runOf(one);
  const first = one.kind === "i2i" ? firstStepFor(one.steps, one.strength ?? 1) : 0;
  expect(run.timesteps.slice(first)).toEqual([...one.timesteps]);

  const [count = 0, ...shape] = one.noise_shape ?? one.shape("noise");
  const size = shape.reduce((a, b) => a * b, 1);
  const generator = new TorchGenerator(one.seed);
  const drawn: number[] = [];
  const drawNoise = (): Float32Array => {
    const values = generator.randn(size);
    drawn.push(...values);
    return values;
  };
  const isPosteriorDrawn = one.kind === "i2i" && one.models !== "tiny-taesd";
  for (let i = 0; i < (isPosteriorDrawn ? 2 : 1); i++) drawNoise();
  for (let index = first; index < run.timesteps.length; index++) {
    const x = new Float32Array(size);
    run.step({ index, x, output: x, drawNoise });
  }
  expect(drawn.length).toBe(count * size);
  const expected = one.has("noise") ? one.array("noise") : one.array("noise_end");
  expect(drawn.slice(-expected.length)).toEqual([...expected]);
}

for (const pipeline of ["pipeline", "pipeline-xl", "pipeline-control"]) {
  const cases = goldenCases<PipelineRun>(`${pipeline}/pipelines`);
  describe(`timesteps and noise of ${pipeline}:`, () => {
    for (const one of cases) test(one.title, () => checkPipeline(one));
  });
}
