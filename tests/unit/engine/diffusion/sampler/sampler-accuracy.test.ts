/** Checks samplers against exact solutions: flows, straight lines, orders of convergence, variances. */
import { expect, test } from "bun:test";
import { dpmAdaptive } from "../../../../../src/engine/diffusion/sampler/dpm-solver.ts";
import { dpm2Ancestral } from "../../../../../src/engine/diffusion/sampler/dpm2.ts";
import {
  dpmpp2mSde,
  dpmpp3mSde,
} from "../../../../../src/engine/diffusion/sampler/dpmpp-multistep.ts";
import {
  dpmpp2sAncestral,
  dpmppSde,
} from "../../../../../src/engine/diffusion/sampler/dpmpp-singlestep.ts";
import { erSde } from "../../../../../src/engine/diffusion/sampler/er-sde.ts";
import {
  SAMPLERS,
  type SamplerName,
} from "../../../../../src/engine/diffusion/sampler/named-samplers.ts";
import type { Sampler } from "../../../../../src/engine/diffusion/sampler/sampler.ts";
import { seeds2, seeds3 } from "../../../../../src/engine/diffusion/sampler/seeds.ts";
import {
  brownianNoise,
  normalNoise,
} from "../../../../../src/engine/diffusion/sampler/step-noise.ts";
import { TorchGenerator } from "../../../../../src/engine/random/torch-noise.ts";
import { table } from "./analytic-model.ts";

/**
 * For data of unit deviation the best denoiser is x/(1 + σ²), and the flow from σ₀ down to σ shrinks x by
 * √(1 + σ²)/√(1 + σ₀²). What a sampler is off by after a schedule from 10 to 0.28.
 */
async function errorOnKnownFlow(sampler: Sampler): Promise<number> {
  const sigmas = Float32Array.from({ length: 17 }, (_, i) => 10 * 0.8 ** i);
  const end = sigmas[16] as number;
  const [value = 0] = await sampler(Float32Array.of(1), {
    denoise: async (x, sigma) => x.map((v) => v / (1 + sigma * sigma)),
    sigmas,
    noise: () => new Float32Array(1),
    table,
  });
  return Math.abs(value - Math.sqrt((1 + end * end) / 101));
}

test("deterministic samplers of higher order come nearer to the exact flow than Euler's", async () => {
  const euler = await errorOnKnownFlow(SAMPLERS.euler.sample);
  const higher: SamplerName[] = [
    "heun",
    "dpm_2",
    "lms",
    "dpm_fast",
    "dpmpp_2m",
    "deis",
    "res_multistep",
    "ipndm_v",
    "uni_pc",
    "uni_pc_bh2",
  ];
  for (const name of higher) {
    const error = await errorOnKnownFlow(SAMPLERS[name].sample);
    if (!(error < euler / 2)) throw new Error(`${name} is off by ${error}, euler by ${euler}`);
  }
  expect(await errorOnKnownFlow(SAMPLERS.gradient_estimation.sample)).toBeLessThan(euler);
});

test("stochastic samplers without noise follow the flow to the order that they have", async () => {
  const euler = await errorOnKnownFlow(SAMPLERS.euler.sample);
  const samplers = {
    dpmppSde: dpmppSde({ eta: 0 }),
    dpmpp2mSde: dpmpp2mSde({ eta: 0 }),
    dpmpp2mSdeHeun: dpmpp2mSde({ eta: 0, solver: "heun" }),
    dpmpp3mSde: dpmpp3mSde({ eta: 0 }),
    seeds2: seeds2({ eta: 0 }),
    seeds3: seeds3({ eta: 0 }),
    dpm2Ancestral: dpm2Ancestral({ eta: 0 }),
    dpmpp2sAncestral: dpmpp2sAncestral({ eta: 0 }),
  };
  for (const [name, sampler] of Object.entries(samplers)) {
    const error = await errorOnKnownFlow(sampler);
    if (!(error < euler / 2)) throw new Error(`${name} is off by ${error}, euler by ${euler}`);
  }
});

/** By how much the change of the result shrinks when the number of steps doubles: 2^order. */
async function convergence(sampler: Sampler): Promise<number> {
  const results: number[] = [];
  for (const steps of [8, 16, 32]) {
    const [value = 0] = await sampler(Float32Array.of(1), {
      denoise: async (x, sigma) => x.map((v) => v / (1 + sigma * sigma)),
      sigmas: Float32Array.from({ length: steps + 1 }, (_, i) => 3 * 0.1 ** (i / steps)),
      noise: () => new Float32Array(1),
    });
    results.push(value);
  }
  const [coarse = 0, middle = 0, fine = 0] = results;
  return (coarse - middle) / (middle - fine);
}

test("samplers converge with the order that they have", async () => {
  expect(await convergence(SAMPLERS.euler.sample)).toBeCloseTo(2, 0);
  for (const sampler of [
    SAMPLERS.heun.sample,
    SAMPLERS.dpm_2.sample,
    seeds2({ eta: 0 }),
    erSde(0),
  ]) {
    const ratio = await convergence(sampler);
    if (!(ratio > 3.8)) throw new Error(`${sampler} converges with ratio ${ratio}`);
  }
  expect(await convergence(seeds3({ eta: 0 }))).toBeGreaterThan(7);
});

test("a step of the stochastic equation adds the noise that it must, whatever the solver", async () => {
  // From 10 to 1 with clean latents of 0: the posterior's variance is 1 − (1/10)².
  for (const name of [
    "euler_ancestral",
    "dpmpp_sde",
    "dpmpp_2m_sde",
    "dpmpp_3m_sde",
    "seeds_2",
    "seeds_3",
  ] as const) {
    const size = 20_000;
    const sigmas = Float32Array.of(10, 1);
    const { sample, noise } = SAMPLERS[name];
    const sampled = await sample(new Float32Array(size), {
      denoise: async () => new Float32Array(size),
      sigmas,
      noise: noise === "brownian" ? brownianNoise(2n, sigmas, size) : normalNoise(2n, size),
    });
    const variance = sampled.reduce((sum, v) => sum + v * v, 0) / size;
    if (Math.abs(variance - 0.99) > 0.03) throw new Error(`${name} has variance ${variance}`);
  }
});

test("multistep samplers follow a straight line exactly", async () => {
  // x − denoised = 2·sigma: a slope of 2 everywhere.
  for (const name of ["lms", "ipndm", "ipndm_v"] as const) {
    const [value = 0] = await SAMPLERS[name].sample(Float32Array.of(1), {
      denoise: async (x, sigma) => x.map((v) => v - 2 * sigma),
      sigmas: Float32Array.from({ length: 9 }, (_, i) => 8 * 0.5 ** i),
      noise: () => new Float32Array(1),
    });
    expect(value).toBeCloseTo(1 + 2 * (8 * 0.5 ** 8 - 8), 4);
  }
});

test("dpmpp_2m_cfg_pp extrapolates from the negative to the guided prediction", async () => {
  const [guided, negative] = [3, 1];
  const [value = 0] = await SAMPLERS.dpmpp_2m_cfg_pp.sample(Float32Array.of(8), {
    denoise: async () => Float32Array.of(guided),
    denoisePair: async () => ({
      guided: Float32Array.of(guided),
      negative: Float32Array.of(negative),
    }),
    sigmas: Float32Array.of(4, 2, 1),
    noise: () => new Float32Array(1),
  });
  const first = 8 / 2 + negative / 2 + (guided - negative);
  expect(value).toBeCloseTo(first / 2 + negative / 2 + 1.25 * (guided - negative), 5);
});

/** Data of unit deviation comes out with it, but for the bias of the first order ones and of 4,000 values. */
test("stochastic samplers keep the spread of the data", async () => {
  const names: SamplerName[] = [
    "euler_ancestral",
    "dpmpp_sde",
    "dpmpp_2m_sde",
    "dpmpp_3m_sde",
    "er_sde",
    "seeds_2",
    "seeds_3",
    "ddpm",
    "dpm_2_ancestral",
    "dpmpp_2s_ancestral",
    "res_multistep_ancestral",
    "sa_solver",
    "sa_solver_pece",
  ];
  const sigmas = Float32Array.from({ length: 41 }, (_, i) => (i === 40 ? 0 : 14.6 * 0.85 ** i));
  for (const name of names) {
    const generator = new TorchGenerator(1);
    const size = 4000;
    const start = generator.randn(size);
    for (let i = 0; i < size; i++) start[i] = (start[i] as number) * Math.sqrt(1 + 14.6 ** 2);
    const method = SAMPLERS[name];
    const sampled = await method.sample(start, {
      denoise: async (x, sigma) => x.map((v) => v / (1 + sigma * sigma)),
      sigmas,
      noise: method.noise === "brownian" ? brownianNoise(2n, sigmas, size) : normalNoise(2n, size),
      table,
    });
    const variance = sampled.reduce((sum, v) => sum + v * v, 0) / size;
    if (Math.abs(variance - 1) > 0.2) throw new Error(`${name} has variance ${variance}`);
  }
});

test("SA-Solver is of third order where it adds no noise: half the width, a seventh of the error", async () => {
  for (const sampler of [SAMPLERS.sa_solver, SAMPLERS.sa_solver_pece]) {
    const errors: number[] = [];
    for (const steps of [16, 32]) {
      // Below percent 0.8 of the table's timesteps.
      const sigmas = Float32Array.from({ length: steps + 1 }, (_, i) => 0.56 / 28 ** (i / steps));
      const [value = 0] = await sampler.sample(Float32Array.of(1), {
        denoise: async (x, sigma) => x.map((v) => v / (1 + sigma * sigma)),
        sigmas,
        noise: () => Float32Array.of(1000),
        table,
      });
      errors.push(Math.abs(value - Math.sqrt((1 + 0.02 ** 2) / (1 + 0.56 ** 2))));
    }
    expect((errors[0] as number) / (errors[1] as number)).toBeGreaterThan(6.5);
  }
});

test("dpm_adaptive reaches the exact flow as far as it is asked to", async () => {
  expect(await errorOnKnownFlow(dpmAdaptive())).toBeLessThan(0.01);
  expect(await errorOnKnownFlow(dpmAdaptive({ rtol: 1e-5, atol: 1e-6 }))).toBeLessThan(1e-5);
});
