/** What pictures without video start from: noise that wanders, and the latent before. */
import { expect, test } from "bun:test";
import { LatentFeedback } from "../../../../../src/engine/diffusion/stream/latent-feedback.ts";
import { wanderingNoise } from "../../../../../src/engine/diffusion/stream/noise-walk.ts";
import { TorchGenerator } from "../../../../../src/engine/random/torch-noise.ts";

const COUNT = 4 * 32 * 32;
const empty = { samples: new Float32Array(COUNT), shape: [1, 4, 32, 32] as const };

const meanSquare = (values: Float32Array): number =>
  values.reduce((sum, value) => sum + value * value, 0) / values.length;
const apart = (a: Float32Array, b: Float32Array): number =>
  Math.sqrt(meanSquare(a.map((value, at) => value - (b[at] ?? 0))));

test("noise passes through that of one seed after the other, and is unit normal in between", () => {
  const at = (seed: bigint, place: number) => wanderingNoise(seed, place, COUNT);
  const torch = (seed: number) => new TorchGenerator(seed).randn(COUNT);
  expect(at(5n, 0)).toEqual(torch(5));
  for (const place of [0.25, 0.5, 0.9]) {
    expect(Math.abs(meanSquare(at(5n, place)) - 1)).toBeLessThan(0.1);
  }
  expect(at(5n, 1)).toEqual(torch(6));
  expect(at(4n, 3)).toEqual(torch(7));
  const steps = Array.from({ length: 40 }, (_, step) => at(5n, step / 20));
  for (const [before, step] of steps.slice(1).entries()) {
    expect(apart(step, steps[before] as Float32Array)).toBeCloseTo(Math.PI / 40, 2);
  }
});

test("the first picture starts from noise alone, the next from the latent before", () => {
  const feedback = new LatentFeedback();
  const settings = { seed: 5, feedback: 0.6, noisePlace: 0 };
  expect(feedback.start(empty, settings)).toMatchObject({ latent: empty, strength: 1 });
  const first = new TorchGenerator(1).randn(COUNT);
  feedback.keep(first);
  const next = feedback.start(empty, settings);
  expect(next.latent.samples).toEqual(first);
  expect(next.strength).toBeCloseTo(0.4, 9);
  expect(feedback.start(empty, { ...settings, feedback: 0 })).toMatchObject({
    latent: empty,
    strength: 1,
  });
});

test("latents do not grow from picture to picture", () => {
  const feedback = new LatentFeedback();
  const settings = { seed: 5, feedback: 0.6, noisePlace: 0 };
  const first = new TorchGenerator(1).randn(COUNT);
  const next = (factor: number, share: number): number => {
    feedback.start(empty, { ...settings, feedback: share });
    feedback.keep(first.map((value) => value * factor));
    return meanSquare(feedback.start(empty, settings).latent.samples);
  };
  expect(next(1, 0.6)).toBeCloseTo(meanSquare(first), 5);
  expect(next(3, 0.6)).toBeCloseTo(meanSquare(first), 5);
  expect(next(0.5, 0.6)).toBeCloseTo(meanSquare(first) / 4, 5);
  // One from noise alone is as large as it is.
  expect(next(2, 0)).toBeCloseTo(meanSquare(first) * 4, 5);
});

test("a latent that is not finite is not fed back", () => {
  const feedback = new LatentFeedback();
  const settings = { seed: 5, feedback: 0.6, noisePlace: 0 };
  feedback.start(empty, settings);
  feedback.keep(new Float32Array(COUNT).fill(Number.NaN));
  expect(feedback.start(empty, settings)).toMatchObject({ latent: empty, strength: 1 });
});
