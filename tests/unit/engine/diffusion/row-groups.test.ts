/** Which rows of a denoiser share a run. */
import { expect, test } from "bun:test";
import {
  bothLimits,
  type DenoiserRow,
  type RunLimits,
  rowGroups,
} from "../../../../src/engine/diffusion/row-groups.ts";

const conditioning = (tokens: number) => ({
  ...{ embeddings: new Float32Array(0), tokens, width: 8, pooled: null },
});
const picture = { width: 8, height: 8, data: new Uint8Array(192) };

interface Row {
  readonly timestep?: number;
  readonly tokens?: number;
  readonly strength?: number;
}

const row = ({ timestep = 500, tokens = 77, strength }: Row): DenoiserRow => ({
  ...{ sample: new Float32Array(4), timestep, conditioning: conditioning(tokens) },
  control: strength === undefined ? null : { picture, strength },
});

const FREE: RunLimits = { fixedRows: null, takesTimestepPerRow: true };
const groups = (rows: readonly Row[], limits = FREE) => rowGroups(rows.map(row), () => limits);

test("rows share a run unless their prompts differ in length or they are steered otherwise", () => {
  expect(groups([{ timestep: 999 }, { timestep: 1 }, { tokens: 154 }, {}])).toEqual([
    [0, 1, 3],
    [2],
  ]);
  expect(groups([{ strength: 1 }, {}, { strength: 0.5 }, { strength: 1 }])).toEqual([
    [0, 3],
    ...[[1], [2]],
  ]);
});

test("rows at different timesteps run apart where a network takes one for all", () => {
  const limits = { ...FREE, takesTimestepPerRow: false };
  expect(groups([{ timestep: 9 }, { timestep: 5 }, { timestep: 9 }], limits)).toEqual([
    [0, 2],
    [1],
  ]);
});

test("a run has no more rows than a file fixes, of the networks that run for them", () => {
  const four = [{}, {}, {}, {}];
  expect(groups(four, { ...FREE, fixedRows: 3 })).toEqual([[0, 1, 2], [3]]);
  const fixed = (fixedRows: number | null) => ({ fixedRows, takesTimestepPerRow: true });
  expect(bothLimits(fixed(null), fixed(2)).fixedRows).toBe(2);
  expect(bothLimits(fixed(4), fixed(2)).fixedRows).toBe(2);
  expect(bothLimits(fixed(4), fixed(null)).fixedRows).toBe(4);
  expect(bothLimits(fixed(null), null)).toEqual(FREE);
});
