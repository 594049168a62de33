/** Compares Brownian increments with those that torchsde drew for ComfyUI, and checks that they are one path. */
import { describe, expect, test } from "bun:test";
import { BrownianTree } from "../../../../src/engine/random/brownian-tree.ts";
import { expectClose, goldenCases } from "../../../support/golden-arrays.ts";

const f = Math.fround;

/** ComfyUI's noise of a step from sigma down to next: −(W(sigma) − W(next)) / √(sigma − next). */
function noise(tree: BrownianTree, sigma: number, next: number, size: number): Float32Array {
  const values = new Float32Array(size);
  tree.increment(next, sigma, values);
  return values.map((value) => -value / Math.sqrt(sigma - next));
}

interface Run {
  readonly seed: string;
  readonly sigma_min: number;
  readonly sigma_max: number;
  readonly queries: readonly (readonly [number, number])[];
}

const cases = goldenCases<Run>("samplers/brownian");
describe("equal to torchsde:", () => {
  for (const one of cases) {
    test(one.title, () => {
      const expected = one.array("noise");
      const size = expected.length / one.queries.length;
      const tree = new BrownianTree(BigInt(one.seed), f(one.sigma_min), f(one.sigma_max), size);
      for (const [i, [sigma, next]] of one.queries.entries()) {
        const drawn = noise(tree, f(sigma), f(next), size);
        expectClose(drawn, expected.subarray(i * size, (i + 1) * size), { atol: 1e-5 });
      }
    });
  }
});

test("the first noise of torchsde for seed 42 from 9 to 0.5", () => {
  const tree = new BrownianTree(42n, 0.5, 9, 16);
  const drawn = noise(tree, 9, 4, 16).subarray(0, 4);
  expectClose(drawn, [-0.7237937, 0.06821283, 0.4272001, 1.020729], { atol: 1e-5 });
});

test("increments add up, whatever was asked before", () => {
  const part = new Float32Array(4);
  const tree = new BrownianTree(7n, 0, 10, 4);
  const sum = new Float32Array(4);
  for (const [from, to] of [
    [8, 10],
    [2.5, 3.1],
    [0, 2.5],
    [3.1, 8],
  ] as const) {
    tree.increment(from, to, part);
    for (let i = 0; i < 4; i++) sum[i] = (sum[i] as number) + (part[i] as number);
  }
  const whole = new Float32Array(4);
  new BrownianTree(7n, 0, 10, 4).increment(-1, 11, whole);
  expectClose(sum, whole, { atol: 1e-5 });
});

test("an increment of length t has variance t", () => {
  const values = new Float32Array(20_000);
  new BrownianTree(3n, 0, 1, values.length).increment(0.2, 0.5, values);
  const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
  expect(variance).toBeCloseTo(0.3, 1);
});

test("an empty interval and a negative seed are refused", () => {
  expect(() => new BrownianTree(1n, 2, 2, 4)).toThrow("the end must exceed the start");
  expect(() => new BrownianTree(-1n, 0, 1, 4)).toThrow("0 or greater");
});
