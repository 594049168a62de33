/** Behaviour of sampler runs that needs no golden data: reference numbers, seeds, guidance, masks, parts of a run. */
import { describe, expect, test } from "bun:test";
import { guide } from "../../../../../src/engine/diffusion/sampler/guidance.ts";
import { kSample } from "../../../../../src/engine/diffusion/sampler/k-sampler.ts";
import { type Latent, startNoise } from "../../../../../src/engine/diffusion/sampler/latent.ts";
import {
  isSamplerName,
  SAMPLERS,
  type SamplerName,
} from "../../../../../src/engine/diffusion/sampler/named-samplers.ts";
import { maskForLatent } from "../../../../../src/engine/diffusion/sampler/noise-mask.ts";
import {
  type SampledModel,
  sampleLatent,
} from "../../../../../src/engine/diffusion/sampler/sample-latent.ts";
import { TorchGenerator } from "../../../../../src/engine/random/torch-noise.ts";
import { expectClose } from "../../../../support/golden-arrays.ts";
import { analyticModel, guidedPair, table } from "./analytic-model.ts";

const empty: Latent = { samples: new Float32Array(256), shape: [1, 4, 8, 8] };
const normal4 = { schedule: "normal", steps: 4, seed: 42n } as const;

/** The first values of ComfyUI's result: 4 steps, normal, cfg 7.5, seed 42, an empty latent, step noise of seed + 1. */
const REFERENCE: Partial<Record<SamplerName, readonly number[]>> = {
  euler: [19.0016, 18.3222, 6.07068],
  euler_ancestral: [5.36678, 24.9185, 11.7474],
  heun: [-20.7219, -11.582, 11.0519],
  heunpp2: [18.3745, 6.22156, 8.29954],
  dpm_2: [-1.36739, 12.5648, 12.607],
  dpm_2_ancestral: [-9.75155, -27.5636, 8.6677],
  lms: [30.5089, 17.6494, -0.258748],
  dpm_fast: [127.483, 181.983, -54.4595],
  dpmpp_2s_ancestral: [13.4913, 7.45423, 6.32361],
  dpmpp_sde: [-5.63498, -2.85843, 12.6841],
  dpmpp_2m: [-2.48986, 0.379246, -26.428],
  dpmpp_2m_sde: [-51.3633, -27.0401, -24.8108],
  dpmpp_3m_sde: [168.114, -0.760662, -114.845],
  ddpm: [5.36678, 24.9185, 11.7474],
  lcm: [13.509, 21.5101, 12.9302],
  ipndm: [64.188, 18.3381, -15.9968],
  deis: [43.0204, 33.1074, -15.1056],
  res_multistep: [9.69788, -27.584, -41.7915],
  ddim: [19.0016, 18.3222, 6.07068],
  uni_pc: [10.1337, -5.38646, -4.72008],
  uni_pc_bh2: [8.34669, 8.79859, 1.98735],
};

describe("ComfyUI's numbers:", () => {
  for (const [sampler, expected] of Object.entries(REFERENCE)) {
    test(sampler, async () => {
      if (!isSamplerName(sampler)) throw new Error(`${sampler} is not a sampler`);
      const { samples } = await kSample(analyticModel(7.5).model, empty, { ...normal4, sampler });
      expectClose(samples.subarray(0, 3), expected, { atol: 0.01 });
    });
  }
});

const names = Object.keys(SAMPLERS) as SamplerName[];

test("every sampler reaches the clean latent that a denoiser always predicts", async () => {
  const clean = new TorchGenerator(5).randn(256);
  const denoise = async () => clean.slice();
  const model = { denoise, denoisePair: guidedPair(denoise, denoise, 1), table, latentScale: 1 };
  for (const sampler of names) {
    const { samples, denoised } = await kSample(model, empty, { ...normal4, sampler, steps: 6 });
    // dpm_fast and dpm_adaptive stop at the last sigma above 0, uni_pc at 0.001.
    const atol = sampler.startsWith("dpm_fast") || sampler === "dpm_adaptive" ? 0.2 : 0.01;
    expectClose(samples, clean, { atol });
    expectClose(denoised ?? [], clean, { atol: 1e-5 });
  }
});

test("the same seed gives the same latent, another seed another one, with every sampler", async () => {
  for (const sampler of names) {
    const sample = async (seed: bigint) =>
      (await kSample(analyticModel(1).model, empty, { ...normal4, sampler, seed })).samples;
    const first = await sample(1n);
    expect(await sample(1n)).toEqual(first);
    expect(await sample(2n)).not.toEqual(first);
  }
});

test("step noise of the same seed is what ComfyUI 0.3.64 draws", async () => {
  const request = { ...normal4, sampler: "lcm" } as const;
  const next = await kSample(analyticModel(1).model, empty, request);
  const same = await kSample(analyticModel(1).model, empty, { ...request, stepSeed: "same" });
  expect(same.samples).not.toEqual(next.samples);
  const euler = { ...normal4, sampler: "euler" } as const;
  expect((await kSample(analyticModel(1).model, empty, euler)).samples).toEqual(
    (await kSample(analyticModel(1).model, empty, { ...euler, stepSeed: "same" })).samples,
  );
});

test("no share of denoising and an empty part of the schedule give the latent back", async () => {
  const latent: Latent = { ...empty, samples: new TorchGenerator(3).randn(256) };
  const { model, calls } = analyticModel(7.5);
  const request = { ...normal4, sampler: "euler" } as const;
  const none = await kSample(model, latent, { ...request, denoise: 0 });
  const part = { start: 4, end: 10000, leftoverNoise: "removed" } as const;
  const beyond = await kSample(model, latent, { ...request, part });
  expect([none.samples, beyond.samples]).toEqual([latent.samples, latent.samples]);
  expect([none.denoised, beyond.denoised]).toEqual([null, null]);
  expect(calls).toEqual([]);
});

test("two runs on the halves of a schedule equal one run on all of it", async () => {
  const { model } = analyticModel(7.5);
  const request = { ...normal4, sampler: "euler", steps: 6 } as const;
  const whole = await kSample(model, empty, request);
  const first = await kSample(model, empty, {
    ...request,
    part: { start: 0, end: 3, leftoverNoise: "returned" },
  });
  const second = await kSample(
    model,
    { ...empty, samples: first.samples },
    { ...request, noise: "none", part: { start: 3, end: 10000, leftoverNoise: "removed" } },
  );
  expectClose(second.samples, whole.samples, { atol: 1e-3 });
});

test.each([
  ["at 0 the negative prediction", 0, 5],
  ["at 1 the positive one", 1, 2],
  ["above 1 what lies beyond it", 3, -4],
])("guidance gives %s", (_, scale, expected) => {
  expect(guide(Float32Array.of(2), Float32Array.of(5), scale)).toEqual(Float32Array.of(expected));
});

test("CFG++ equals plain guidance where both prompts agree, and differs where they do not", async () => {
  const twins = {
    euler_cfg_pp: "euler",
    euler_ancestral_cfg_pp: "euler_ancestral",
    dpmpp_2m_cfg_pp: "dpmpp_2m",
    res_multistep_cfg_pp: "res_multistep",
    res_multistep_ancestral_cfg_pp: "res_multistep_ancestral",
    gradient_estimation_cfg_pp: "gradient_estimation",
  } as const;
  const { model: differing } = analyticModel(1.5);
  const { denoise } = analyticModel(1).model;
  const agreeing = { ...differing, denoise, denoisePair: guidedPair(denoise, denoise, 1.5) };
  for (const [name, plain] of Object.entries(twins)) {
    if (!isSamplerName(name)) throw new Error(`${name} is not a sampler`);
    const sample = async (model: SampledModel, sampler: SamplerName) =>
      (await kSample(model, empty, { ...normal4, sampler })).samples;
    expectClose(await sample(agreeing, name), await sample(agreeing, plain), { atol: 1e-3 });
    expect(await sample(differing, name)).not.toEqual(await sample(differing, plain));
  }
});

test.each<[SamplerName, readonly number[], readonly number[]]>([
  [
    "dpmpp_2s_ancestral_cfg_pp",
    [9, 4, 1.5, 0.4, 0],
    [
      -0.2317, 2.144026, -2.215238, -1.010315, -0.021724, -2.196282, 0.760582, 0.185563, -0.147289,
      -0.18985, 3.005852, 0.159519, 3.695623, -0.673764, -2.252829, 1.176166,
    ],
  ],
  [
    "sa_solver",
    [9, 4, 1.5, 0.4],
    [
      -0.149564, 3.701737, -3.027153, -2.448506, -0.429098, -3.470668, 2.34958, 0.540473, -0.885066,
      0.42393, 4.533202, 0.321592, 4.756985, -1.508418, -3.630206, 1.807001,
    ],
  ],
  [
    "sa_solver_pece",
    [9, 4, 1.5, 0.4],
    [
      -0.152412, 3.707878, -3.029136, -2.448013, -0.429912, -3.479641, 2.350184, 0.537537,
      -0.886322, 0.420998, 4.550601, 0.318258, 4.76484, -1.506469, -3.63808, 1.806979,
    ],
  ],
])("%s: ComfyUI 0.3.64 for %j", async (name, sigmas, wanted) => {
  // Guided by 1.5 from a prediction that pulls less to 0.
  const denoisePair: SampledModel["denoisePair"] = async (x, sigma) => {
    const positive = x.map((value) => value / (1 + sigma ** 2));
    const negative = positive.map((value, at) => 0.7 * value + 0.1 * Math.tanh(x[at] ?? 0));
    const guided = negative.map((value, at) => value + 1.5 * ((positive[at] ?? 0) - value));
    return { guided, negative };
  };
  const { samples } = await sampleLatent(
    {
      denoise: async (x, sigma) => (await denoisePair(x, sigma)).guided,
      denoisePair,
      table,
      latentScale: 1,
    },
    { samples: new Float32Array(16), shape: [1, 4, 2, 2] },
    {
      method: SAMPLERS[name],
      sigmas: Float32Array.from(sigmas),
      seed: 11n,
      stepSeed: "same",
    },
  );
  expectClose(samples, Float32Array.from(wanted), { atol: 1e-5 });
});

test("a CFG++ sampler refuses a model that does not give the negative prediction", async () => {
  const { denoise } = analyticModel(1).model;
  const model = { denoise, table, latentScale: 1 };
  await expect(kSample(model, empty, { ...normal4, sampler: "euler_cfg_pp" })).rejects.toThrow(
    "negative prediction",
  );
});

test("a masked run leaves the kept region as it was and changes the rest", async () => {
  const samples = new TorchGenerator(3).randn(256);
  const values = new Float32Array(64).fill(1, 0, 32); // upper half
  const latent: Latent = {
    samples,
    shape: [1, 4, 8, 8],
    noiseMask: { values, batch: 1, height: 8, width: 8 },
  };
  for (const sampler of ["euler", "ddim", "dpmpp_2m", "euler_cfg_pp"] as const) {
    const result = await kSample(analyticModel(1).model, latent, { ...normal4, sampler });
    for (let plane = 0; plane < 256; plane += 64) {
      expectClose(
        result.samples.subarray(plane + 32, plane + 64),
        samples.subarray(plane + 32, plane + 64),
        { atol: 1e-4 },
      );
      expect(result.samples[plane]).not.toBeCloseTo(samples[plane] as number, 3);
    }
  }
});

test("a mask is resized between pixel centres and repeated for every picture and channel", () => {
  const mask = { values: Float32Array.of(0, 1, 0, 1), batch: 1, height: 2, width: 2 };
  const row = [0, 0.25, 0.75, 1];
  const plane = [...row, ...row, ...row, ...row];
  expect([...maskForLatent(mask, [2, 1, 4, 4])]).toEqual([...plane, ...plane]);
});

test("a picture of a batch gets the noise that it had in the whole batch", () => {
  const one = startNoise(7n, { samples: new Float32Array(16), shape: [1, 1, 4, 4] });
  const chosen = startNoise(7n, {
    samples: new Float32Array(32),
    shape: [2, 1, 4, 4],
    batchIndex: [2, 0],
  });
  expect(chosen.subarray(16)).toEqual(one);
  const generator = new TorchGenerator(7);
  generator.randn(16);
  generator.randn(16);
  expect(chosen.subarray(0, 16)).toEqual(generator.randn(16));
});

test("an error of the denoiser ends the run", async () => {
  const denoise = () => Promise.reject(new Error("gone"));
  const model = { denoise, denoisePair: guidedPair(denoise, denoise, 1), table, latentScale: 1 };
  for (const sampler of names) {
    await expect(kSample(model, empty, { ...normal4, sampler })).rejects.toThrow("gone");
  }
});

test("the clean prediction of the last step is returned beside a latent that is still noisy", async () => {
  const { model } = analyticModel(1);
  const { samples, denoised } = await sampleLatent(model, empty, {
    method: SAMPLERS.euler,
    sigmas: Float32Array.of(10, 5),
    seed: 1n,
  });
  expect(denoised).not.toBeNull();
  expect(denoised).not.toEqual(samples);
});
