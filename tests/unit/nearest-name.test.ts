/** Which known name a misspelt one is taken for. */
import { expect, test } from "bun:test";
import { nearestName } from "../../src/nearest-name.ts";

const KNOWN = ["KSampler", "KSamplerAdvanced", "SaveImage", "VAEDecode"];

test.each([
  ["KSamplerX", "KSampler"],
  ["ksampler", "KSampler"],
  ["SaveImages", "SaveImage"],
  ["VEADecode", "VAEDecode"],
  ["Nope", null],
  ["", null],
  ["x".repeat(10_000), null],
])("%p is taken for %p", (name, meant) => {
  expect(nearestName(name, KNOWN)).toBe(meant);
});
