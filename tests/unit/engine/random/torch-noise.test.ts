/** Behaviour of the noise generators that needs no golden data: reference numbers, seeds, draws in a row. */
import { expect, test } from "bun:test";
import { MersenneTwister } from "../../../../src/engine/random/mersenne-twister.ts";
import { TorchGenerator } from "../../../../src/engine/random/torch-noise.ts";
import { NumpyRandomState } from "../../../support/numpy-random-state.ts";

const f32 = (...values: number[]): Float32Array<ArrayBuffer> => Float32Array.from(values);

test("the engine is MT19937: its 10,000th number from the standard seed", () => {
  const engine = new MersenneTwister(5489);
  for (let i = 1; i < 10_000; i++) engine.next();
  expect(engine.next()).toBe(4123659995); // ISO/IEC 14882, [rand.predef], mt19937
});

test("torch.randn(4) is drawn in double precision, one value at a time", () => {
  expect(new TorchGenerator(0).randn(4)).toEqual(
    f32(1.5409960746765137, -0.293428897857666, -2.1787893772125244, 0.5684312582015991),
  );
});

test("torch.randn(17) is drawn in blocks, of which the last overlaps the one before", () => {
  const drawn = new TorchGenerator(42).randn(17);
  expect(drawn.subarray(0, 2)).toEqual(f32(1.9269152879714966, -0.1595974713563919));
  expect(drawn.subarray(15)).toEqual(f32(0.859858512878418, -0.3097267746925354));
});

test("a seed counts modulo 2^64, of which the generator uses the low 32 bits", () => {
  const reference = new TorchGenerator(1).randn(32);
  expect(new TorchGenerator("1").randn(32)).toEqual(reference);
  expect(new TorchGenerator(0x1_0000_0001).randn(32)).toEqual(reference);
  expect(new TorchGenerator(2n ** 64n + 1n).randn(32)).toEqual(reference);
  expect(new TorchGenerator(-1).randn(32)).toEqual(
    new TorchGenerator("18446744073709551615").randn(32),
  );
  expect(new TorchGenerator(2).randn(32)).not.toEqual(reference);
});

test.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, "", "1.5", "0x10", "one"])(
  "a seed of %p is refused",
  (seed) => {
    expect(() => new TorchGenerator(seed)).toThrow("give an integer");
  },
);

test("the spare normal of a small draw outlives a large one, which advances the same engine", () => {
  const together = new TorchGenerator(3);
  const first = together.randn(3); // two pairs, of which the second leaves a spare
  together.randn(16);
  const last = together.randn(1);
  expect(Float32Array.of(...first, ...last)).toEqual(new TorchGenerator(3).randn(4));
});

test("fill overwrites the array that it is given with what randn draws", () => {
  const values = new Float32Array(40).fill(7);
  new TorchGenerator(9).fill(values);
  expect(values).toEqual(new TorchGenerator(9).randn(40));
});

test("numpy's randn gives the second normal of a pair first and keeps the other", () => {
  const state = new NumpyRandomState(0);
  expect([...state.randn(1), ...state.randn(2)]).toEqual([
    1.764052345967664, 0.4001572083672233, 0.9787379841057392,
  ]);
});

test.each([-1, 2 ** 32, 0.5])("numpy refuses a seed of %p", (seed) => {
  expect(() => new NumpyRandomState(seed)).toThrow("0 to 2^32-1");
});
