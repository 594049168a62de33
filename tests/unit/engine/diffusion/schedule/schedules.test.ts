/** Behaviour of sigma schedules that needs no golden data: ends, lengths, rounding, refusals. */
import { expect, test } from "bun:test";
import { alignedSigmas } from "../../../../../src/engine/diffusion/schedule/align-your-steps.ts";
import { inverseBeta } from "../../../../../src/engine/diffusion/schedule/inverse-beta.ts";
import {
  basicSchedulerSigmas,
  continuousSigmas,
  kSamplerSigmas,
  SCHEDULES,
} from "../../../../../src/engine/diffusion/schedule/named-schedules.ts";
import { roundHalfToEven } from "../../../../../src/engine/diffusion/schedule/python-numbers.ts";
import {
  distilledTable,
  SigmaTable,
  trainedSigmas,
  zeroTerminalSigmas,
} from "../../../../../src/engine/diffusion/schedule/sigma-table.ts";
import { turboSigmas } from "../../../../../src/engine/diffusion/schedule/table-schedules.ts";
import { expectClose } from "../../../../support/golden-arrays.ts";

const table = new SigmaTable(trainedSigmas());

test("Stable Diffusion's sigmas run from 0.0292 to 14.61, with zero terminal SNR to 4518", () => {
  expect(table.sigmaMin).toBeCloseTo(0.02916716, 7);
  expect(table.sigmaMax).toBeCloseTo(14.61464, 5);
  expect(zeroTerminalSigmas().at(-1)).toBeCloseTo(4518.77, 1);
});

test("a sigma and its timestep lead back to each other", () => {
  for (const timestep of [0, 1, 500, 998, 999]) {
    expect(table.timestep(table.sigma(timestep))).toBe(timestep);
  }
});

test("a timestep below or above the table is clamped", () => {
  expect(table.sigma(-3)).toBe(table.sigma(0));
  expect(table.sigma(5000)).toBe(table.sigma(999));
});

test("a distilled table knows each 20th timestep", () => {
  const distilled = distilledTable(table.sigmas);
  expect(distilled.sigmas.length).toBe(50);
  expect(distilled.sigmaMax).toBe(table.sigmaMax);
  expect(distilled.timestep(distilled.sigmaMax)).toBe(999);
  expect(distilled.timestep(distilled.sigmaMin)).toBe(19);
  expect(distilled.sigma(979)).toBeCloseTo(table.sigmas[979] as number, 5);
});

test("halfway between two timesteps the lower one counts, whatever the last bit says", () => {
  const distilled = distilledTable(trainedSigmas());
  expect(distilled.timestep(distilled.sigma(509))).toBe(499);
});

test("percent 0 is above all sigmas, 0.5 in the middle of the timesteps, 1 is 0", () => {
  expect(table.percentToSigma(0)).toBe(999999999.9);
  expect(table.percentToSigma(0.5)).toBeCloseTo(table.sigma(499.5), 6);
  expect(table.percentToSigma(1)).toBe(0);
});

test.each([
  ["simple", 4, [14.61464, 4.081729, 1.612886, 0.6932049, 0]],
  ["sgm_uniform", 4, [14.61464, 4.086081, 1.61558, 0.6951495, 0]],
  ["karras", 4, [14.61464, 3.168605, 0.4469186, 0.02916718, 0]],
  ["exponential", 4, [14.61464, 1.840024, 0.2316642, 0.02916716, 0]],
  ["ddim_uniform", 4, [4.116696, 1.623692, 0.6983981, 0.04131441, 0]],
  ["beta", 4, [14.61464, 5.686592, 1.618279, 0.5153906, 0]],
  ["normal", 4, [14.61464, 2.918307, 0.932358, 0.02916716, 0]],
  ["kl_optimal", 4, [14.61463, 1.597066, 0.5729142, 0.02916716, 0]],
] as const)("%s: the first sigmas of ComfyUI for %d steps", (name, steps, expected) => {
  const sigmas = kSamplerSigmas(table, { schedule: name, steps });
  expectClose(sigmas.subarray(0, 5), expected, { rtol: 2e-6 });
});

test("every schedule descends and ends at 0", () => {
  for (const [name, schedule] of Object.entries(SCHEDULES)) {
    const sigmas = schedule(table, 8);
    for (let i = 1; i < sigmas.length; i++) {
      if (!((sigmas[i] as number) < (sigmas[i - 1] as number)))
        throw new Error(`${name}: ${sigmas}`);
    }
    expect(sigmas.at(-1)).toBe(0);
  }
});

test("a share of denoising takes the end of a longer schedule", () => {
  const half = kSamplerSigmas(table, { schedule: "simple", steps: 4, denoise: 0.5 });
  expect(half).toEqual(SCHEDULES.simple(table, 8).slice(-5));
  expect(kSamplerSigmas(table, { schedule: "simple", steps: 4, denoise: 0 }).length).toBe(0);
});

test.each(["sgm_uniform", "normal", "karras", "simple"] as const)(
  "without rounding, each share of denoising has sigmas of its own: %s",
  (schedule) => {
    const first = (steps: number, denoise: number) =>
      continuousSigmas(table, { schedule, steps, denoise })[0] ?? 0;
    for (const [steps, denoise] of [
      ...[[1, 1] as const, [1, 0.5] as const, [2, 0.5] as const, [4, 0.8] as const],
      [3, 0.25] as const,
    ]) {
      const request = { schedule, steps, denoise };
      expect(continuousSigmas(table, request)).toEqual(kSamplerSigmas(table, request));
    }
    const shares = Array.from({ length: 10 }, (_, at) => 0.05 + at * 0.1);
    const sigmas = shares.map((share) => first(2, share));
    expect(sigmas).toEqual(sigmas.toSorted((a, b) => a - b));
    expect(first(1, 0.9)).toBeGreaterThan(first(1, 0.6));
    expect(continuousSigmas(table, { schedule, steps: 2, denoise: 0.3 })).toHaveLength(3);
    expect(continuousSigmas(table, { schedule, steps: 2, denoise: 0 })).toHaveLength(0);
  },
);

test("KSampler keeps the fifteen values of ddim_uniform for 13 steps, BasicScheduler the last 14", () => {
  const request = { schedule: "ddim_uniform", steps: 13 } as const;
  expect(kSamplerSigmas(table, request).length).toBe(15);
  expect(basicSchedulerSigmas(table, request)).toEqual(kSamplerSigmas(table, request).slice(1));
});

test("SDTurboScheduler truncates ten times the share of denoising", () => {
  expect(turboSigmas(table, 1, 1)[0]).toBe(table.sigma(999));
  expect(turboSigmas(table, 4, 0.29)).toEqual(
    Float32Array.of(table.sigma(199), table.sigma(99), 0),
  );
});

test("Align Your Steps interpolates the published values and takes the end of them", () => {
  expect(alignedSigmas("SDXL", 10)[1]).toBeCloseTo(6.3184485287, 5);
  expect(alignedSigmas("SD1", 10, 0.25)).toEqual(alignedSigmas("SD1", 10).slice(-3));
  expect(alignedSigmas("SD1", 5)[1]).toBeCloseTo(3.8636745985, 5);
});

test("quantiles of the beta distribution invert its known values", () => {
  expect(inverseBeta(0.3, 1, 1)).toBeCloseTo(0.3, 12);
  expect(inverseBeta(0.5, 0.6, 0.6)).toBeCloseTo(0.5, 12);
  expect(inverseBeta(0.25, 2, 1)).toBeCloseTo(0.5, 12); // I_x(2, 1) = x²
  expect(inverseBeta(0.25, 0.5, 0.5)).toBeCloseTo(Math.sin(Math.PI / 8) ** 2, 12); // arcsine law
});

test("rounding takes the even one of two neighbours", () => {
  expect([0.5, 1.5, 2.5, 2.6, -1.5].map(roundHalfToEven)).toEqual([0, 2, 2, 3, -2]);
});

test.each<[string, () => unknown, string]>([
  ...[0, -1, 1.5, Number.NaN, 10_001].map((steps): [string, () => unknown, string] => [
    `${steps} steps`,
    () => kSamplerSigmas(table, { schedule: "normal", steps }),
    "steps is",
  ]),
  [
    "a denoise that stretches two steps to billions",
    () => kSamplerSigmas(table, { schedule: "beta", steps: 2, denoise: 1e-9 }),
    "denoise is 1e-9",
  ],
  [
    "the same of BasicScheduler",
    () => basicSchedulerSigmas(table, { schedule: "beta", steps: 2, denoise: 1e-9 }),
    "denoise is 1e-9",
  ],
  ["a beta distribution without a shape", () => inverseBeta(0.5, 0, 1), "alpha is 0 and beta 1"],
])("%s: the caller's fault, and said so", (_, make, message) => {
  expect(make).toThrow(
    expect.objectContaining({
      kind: "invalid_request",
      message: expect.stringContaining(message),
    }),
  );
});
