/** Compares our random numbers with those that torch and numpy themselves drew. */
import { describe, expect, test } from "bun:test";
import { TorchGenerator } from "../../../../src/engine/random/torch-noise.ts";
import { goldenCases } from "../../../support/golden-arrays.ts";
import { NumpyRandomState } from "../../../support/numpy-random-state.ts";

interface Draws {
  readonly seed: string;
  /** Shapes that were drawn one after the other. */
  readonly calls: readonly (readonly number[])[];
  /** The draws of which the first and the last 64 values alone are stored. */
  readonly kept: Readonly<Record<string, string>>;
}

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const bits = (values: Float32Array): Uint32Array =>
  new Uint32Array(new Float32Array(values).buffer);

function compare(name: string, randn: (seed: string) => (n: number) => Float32Array) {
  for (const one of goldenCases<Draws>(`noise/${name}`)) {
    test(`${name} ${one.title}`, () => {
      const draw = randn(one.seed);
      for (const [call, shape] of one.calls.entries()) {
        const drawn = draw(size(shape));
        const compared =
          one.kept[`call${call}`] === undefined
            ? drawn
            : Float32Array.of(...drawn.subarray(0, 64), ...drawn.subarray(-64));
        expect(bits(compared)).toEqual(bits(one.array(`call${call}`)));
      }
    });
  }
}

describe("equal to the last bit:", () => {
  compare("torch", (seed) => {
    const generator = new TorchGenerator(seed);
    return (count) => generator.randn(count);
  });
  compare("numpy", (seed) => {
    const state = new NumpyRandomState(Number(seed));
    return (count) => new Float32Array(state.randn(count));
  });
});
