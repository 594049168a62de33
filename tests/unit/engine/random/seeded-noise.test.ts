import { expect, test } from "bun:test";
import { seededNoise } from "../../../../src/engine/random/seeded-noise.ts";
import { TorchGenerator } from "../../../../src/engine/random/torch-noise.ts";

test("is what the generator draws first, and drawn once", () => {
  const noise = seededNoise(7n, 64);
  expect(noise).toEqual(new TorchGenerator(7n).randn(64));
  expect(seededNoise(7n, 64)).toBe(noise);
  expect(seededNoise(8n, 64)).not.toEqual(noise);
  expect(seededNoise(7n, 80)).toEqual(new TorchGenerator(7n).randn(80));
});

test("forgets what was used longest ago, and keeps nothing large", () => {
  const noise = seededNoise(100n, 32);
  for (let seed = 0n; seed < 15n; seed++) seededNoise(seed, 32);
  expect(seededNoise(100n, 32)).toBe(noise); // used again
  for (let seed = 0n; seed < 16n; seed++) seededNoise(seed, 32);
  expect(seededNoise(100n, 32)).not.toBe(noise);
  expect(seededNoise(1n, 2 ** 18 + 16)).not.toBe(seededNoise(1n, 2 ** 18 + 16));
});
