/** Guidance away from a negative prompt, and what becomes of the contrast that it adds. */
import { expect, test } from "bun:test";
import { guide, restoreDeviation } from "../../../../../src/engine/diffusion/sampler/guidance.ts";

const [positive, negative] = [Float32Array.of(1, -1, 3, -3), Float32Array.of(0, 1, 1, -1)];

test("a prediction is moved away from the negative one, on the line through both", () => {
  expect(guide(positive, negative, 1)).toEqual(positive);
  expect(guide(positive, negative, 0)).toEqual(negative);
  expect([...guide(positive, negative, 2)]).toEqual([2, -3, 5, -5]);
});

test("its deviation comes back to the positive one's, in part or all the way", () => {
  const deviation = (values: Float32Array): number => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 3);
  };
  const [wanted, guided] = [deviation(positive), deviation(guide(positive, negative, 4))];
  for (const share of [0, 0.3, 1]) {
    const restored = restoreDeviation(guide(positive, negative, 4), positive, share);
    expect(deviation(restored)).toBeCloseTo(share * wanted + (1 - share) * guided, 4);
  }
});
