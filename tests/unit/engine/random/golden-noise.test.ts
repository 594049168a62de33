/** Compares our random numbers with those that torch and numpy themselves drew. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { NumpyRandomState } from "../../../../src/engine/random/numpy-noise.ts";
import { TorchGenerator } from "../../../../src/engine/random/torch-noise.ts";
import { sharedData } from "../../../support/shared-data.ts";

interface Golden {
  readonly cases: readonly {
    readonly id: string;
    readonly seed: string;
    readonly calls: readonly (readonly number[])[];
    readonly kept: Readonly<Record<string, string>>;
    readonly arrays: Readonly<
      Record<string, { readonly offset: number; readonly shape: number[] }>
    >;
  }[];
}

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const bits = (values: Float32Array): Uint32Array =>
  new Uint32Array(new Float32Array(values).buffer);

function golden(
  name: string,
  folder: string,
  randn: (seed: string) => (n: number) => Float32Array,
) {
  const index: Golden = JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8"));
  const data = new Float32Array(new Uint8Array(readFileSync(`${folder}/${name}.f32`)).buffer);
  for (const one of index.cases) {
    test(`${name} ${one.id}`, () => {
      const draw = randn(one.seed);
      for (const [call, shape] of one.calls.entries()) {
        const drawn = draw(size(shape));
        const stored = one.arrays[`call${call}`];
        if (stored === undefined) throw new Error(`call${call} is not stored`);
        const expected = data.slice(stored.offset, stored.offset + size(stored.shape));
        const compared =
          one.kept[`call${call}`] === undefined
            ? drawn
            : Float32Array.of(...drawn.subarray(0, 64), ...drawn.subarray(-64));
        expect(bits(compared)).toEqual(bits(expected));
      }
    });
  }
}

const folder = sharedData("golden/noise");
if (folder === null) {
  test.skip("torch and numpy: shared/data/golden/noise is absent", () => {});
} else {
  describe("equal to the last bit:", () => {
    golden("torch", folder, (seed) => {
      const generator = new TorchGenerator(seed);
      return (count) => generator.randn(count);
    });
    golden("numpy", folder, (seed) => {
      const state = new NumpyRandomState(Number(seed));
      return (count) => new Float32Array(state.randn(count));
    });
  });
}
