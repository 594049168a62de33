/** Behaviour of diffusers' schedulers that needs no golden data: reference numbers, exact solutions, configurations. */
import { expect, test } from "bun:test";
import { numpyLog } from "../../../../../src/engine/diffusion/sampler/diffusers/numpy-log.ts";
import {
  firstStepFor,
  schedulerRun,
} from "../../../../../src/engine/diffusion/sampler/diffusers/scheduler.ts";
import {
  SCHEDULER_CLASSES,
  type SchedulerClass,
  schedulerConfig,
} from "../../../../../src/engine/diffusion/sampler/diffusers/scheduler-config.ts";
import { TorchGenerator } from "../../../../../src/engine/random/torch-noise.ts";
import { expectClose } from "../../../../support/golden-arrays.ts";
import { analyticNoise } from "./analytic-model.ts";

const stableDiffusion = {
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  clip_sample: false,
  set_alpha_to_one: false,
  steps_offset: 1,
};

function configOf(className: SchedulerClass, options: Record<string, unknown> = {}) {
  return schedulerConfig({ ...stableDiffusion, ...options, _class_name: className });
}

test("timesteps of four steps, by scheduler and spacing", () => {
  const timesteps = (className: SchedulerClass, spacing: string) =>
    schedulerRun(configOf(className, { timestep_spacing: spacing }), 4).timesteps;
  expect(timesteps("EulerDiscreteScheduler", "trailing")).toEqual([999, 749, 499, 249]);
  expect(timesteps("EulerDiscreteScheduler", "leading")).toEqual([751, 501, 251, 1]);
  expect(timesteps("DDIMScheduler", "linspace")).toEqual([999, 666, 333, 0]);
  expect(timesteps("LCMScheduler", "leading")).toEqual([999, 759, 499, 259]);
  expect(timesteps("DPMSolverMultistepScheduler", "linspace")).toEqual([999, 749, 500, 250]);
});

test("the noise of text to image starts at the highest sigma, or a little above with leading spacing", () => {
  const start = (spacing: string) =>
    schedulerRun(configOf("EulerDiscreteScheduler", { timestep_spacing: spacing }), 4)
      .initNoiseSigma;
  expect(start("trailing")).toBeCloseTo(14.6146469, 5);
  expect(start("leading")).toBeCloseTo(4.23641396, 6);
});

test.each([
  ["EulerDiscreteScheduler", 4, [1.74853, -0.105558, -0.483372]],
  ["EulerAncestralDiscreteScheduler", 4, [0.478966, -0.46982, -0.311928]],
  ["LCMScheduler", 4, [-0.0927851, -0.452613, -0.297936]],
  ["DDIMScheduler", 4, [1.81736, -0.103345, -0.515924]],
  ["DPMSolverMultistepScheduler", 10, [1.61884, 0.00416967, -0.698231]],
] as const)(
  "%s: the first values of diffusers after %d steps from seed 5",
  (className, steps, expected) => {
    const run = schedulerRun(configOf(className, { timestep_spacing: "trailing" }), steps);
    const generator = new TorchGenerator(5);
    let x: Float32Array = generator.randn(256).map((value) => value * run.initNoiseSigma);
    for (const [index, timestep] of run.timesteps.entries()) {
      const output = analyticNoise(0.7, run.scaleInput(x, index), timestep);
      x = run.step({ index, x, output, drawNoise: () => generator.randn(256) });
    }
    expectClose(x.subarray(0, 3), expected, { atol: 1e-3 });
  },
);

test("every scheduler ends at the clean latent of a network that knows it", () => {
  const clean = new TorchGenerator(5).randn(64);
  const generator = new TorchGenerator(1);
  for (const className of SCHEDULER_CLASSES) {
    const run = schedulerRun(configOf(className, { prediction_type: "sample" }), 6);
    let x: Float32Array = generator.randn(64).map((value) => value * run.initNoiseSigma);
    for (const index of run.timesteps.keys()) {
      x = run.step({ index, x, output: clean, drawNoise: () => generator.randn(64) });
    }
    // LCM keeps a trace of x, and DDIM stops at the first timestep instead of at no noise.
    expectClose(x, clean, { atol: 0.15 });
  }
});

test("noise, velocity and clean latent are three ways to say the same", () => {
  const clean = new TorchGenerator(2).randn(64);
  const noise = new TorchGenerator(3).randn(64);
  const isScaled = (className: SchedulerClass) => !className.startsWith("Euler");
  for (const className of SCHEDULER_CLASSES) {
    const results = (["sample", "epsilon", "v_prediction"] as const).map((prediction) => {
      const run = schedulerRun(configOf(className, { prediction_type: prediction }), 4);
      const x = run.addNoise(clean, noise, 1);
      const level = isScaled(className) ? x : run.scaleInput(x, 1);
      // velocity = signal·noise − noise level·clean of the scaled latent
      const [signal, amount] = factors(level, clean, noise);
      const velocity = clean.map((value, i) => signal * (noise[i] as number) - amount * value);
      const output = { sample: clean, epsilon: noise, v_prediction: velocity }[prediction];
      return run.step({ index: 1, x, output, drawNoise: () => new Float32Array(64) });
    });
    expectClose(results[1] ?? [], results[0] ?? [], { atol: 1e-3 });
    expectClose(results[2] ?? [], results[0] ?? [], { atol: 1e-3 });
  }
});

/** The factors of `clean` and `noise` in x, from its first two values. */
function factors(x: Float32Array, clean: Float32Array, noise: Float32Array): [number, number] {
  const [x0, x1, c0, c1, n0, n1] = [x, clean, noise].flatMap((values) => [
    ...values.subarray(0, 2),
  ]) as [number, number, number, number, number, number];
  const determinant = c0 * n1 - c1 * n0;
  return [(x0 * n1 - x1 * n0) / determinant, (c0 * x1 - c1 * x0) / determinant];
}

test("image to image runs the last share of the steps, and at least one", () => {
  expect(firstStepFor(4, 1)).toBe(0);
  expect(firstStepFor(4, 0.5)).toBe(2);
  expect(firstStepFor(10, 0.29)).toBe(8);
  expect(() => firstStepFor(2, 0.4)).toThrow("raise either");
});

test("a configuration is read with the class's own defaults", () => {
  const own = { lambda_min_clipped: null, use_karras_sigmas: true, trained_betas: null };
  const config = schedulerConfig({
    _class_name: "DPMSolverMultistepScheduler",
    skip_prk_steps: true,
    ...own,
  });
  expect(config.sigmaSpacing).toBe("karras");
  expect(config.timestepSpacing).toBe("linspace");
  expect(config.solverOrder).toBe(2);
  expect(schedulerConfig({ _class_name: "DDIMScheduler" }).timestepSpacing).toBe("leading");
});

test.each([
  [{ _class_name: "PNDMScheduler" }, '_class_name is "PNDMScheduler"; supported: "Euler'],
  [{ beta_schedule: "cosine" }, 'beta_schedule is "cosine"'],
  [{ thresholding: true }, "thresholding is true; supported: false"],
  [{ algorithm_type: "dpmsolver" }, 'supported: "dpmsolver++", "sde-dpmsolver++"'],
  [{ steps_offset: "1" }, 'steps_offset is "1"; supported: "a number"'],
  [{ use_karras_sigmas: 1 }, "use_karras_sigmas is 1"],
])("%j is refused by name", (options, message) => {
  const json = { _class_name: "DPMSolverMultistepScheduler", ...options };
  expect(() => schedulerConfig(json)).toThrow(message);
});

test("a number of steps that a scheduler cannot make is refused", () => {
  expect(() => schedulerRun(configOf("LCMScheduler"), 51)).toThrow("from 1 to 50");
  expect(() => schedulerRun(configOf("EulerDiscreteScheduler"), 0)).toThrow("from 1 to 1000");
});

test("logarithms are those of numpy, which are not rounded correctly", () => {
  const values = Float32Array.of(0.029167535, 0.5, 1, 2.2333, 14.614647);
  expectClose(numpyLog(values), values.map(Math.log), { rtol: 2e-7, atol: 1e-9 });
  expect(numpyLog(Float32Array.of(2.2035088539123535))[0]).toBe(0.7900509834289551);
});
