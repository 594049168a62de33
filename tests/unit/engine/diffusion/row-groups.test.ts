/** Which rows of a denoiser share a run. */
import { expect, test } from "bun:test";
import {
  type DenoiserRow,
  type RowControl,
  type RunLimits,
  rowGroups,
} from "../../../../src/engine/diffusion/row-groups.ts";

const conditioning = (tokens: number) => ({
  embeddings: new Float32Array(0),
  tokens,
  width: 8,
  pooled: null,
});
const hint = { dtype: "uint8", dims: [1, 3, 8, 8], data: new Uint8Array(192) } as const;
const netOf = (takesTimestepPerRow: boolean): RowControl["net"] => ({
  takesTimestepPerRow,
  residuals: async () => ({}),
});
const [net, other] = [netOf(true), netOf(false)];
const steered = (strength: number, by = net): RowControl[] => [
  { net: by, hint, strength, depths: "even" },
];

interface Row extends Partial<DenoiserRow> {
  readonly tokens?: number;
}

const row = ({ tokens = 77, ...its }: Row): DenoiserRow => ({
  sample: new Float32Array(4),
  height: 1,
  width: 1,
  timestep: 500,
  controls: [],
  conditioning: conditioning(tokens),
  sizes: [8, 8, 0, 0, 8, 8],
  ...its,
});

const FREE: RunLimits = { fixedRows: null, takesTimestepPerRow: true };
const groups = (rows: readonly Row[], limits = FREE) => rowGroups(rows.map(row), limits);

test("rows share a run where prompts have a common length that is at most four times theirs", () => {
  expect(groups([{ timestep: 999 }, { timestep: 1 }, { tokens: 154 }, {}])).toEqual([[0, 1, 2, 3]]);
  expect(groups([{ tokens: 154 }, { tokens: 231 }, { tokens: 770 }])).toEqual([[0, 1], [2]]);
});

test("rows run apart that are not equally large, or too large together", () => {
  expect(groups([{ height: 2 }, {}, { height: 2 }])).toEqual([[0, 2], [1]]);
  const large = { height: 256, width: 128 };
  expect(groups([large, large, large])).toEqual([[0, 1], [2]]);
});

test("rows run apart that are not steered alike", () => {
  const rising = steered(1).map((control): RowControl => ({ ...control, depths: "rising" }));
  const ways = [steered(1), [], steered(0.5), steered(1, other), rising, steered(1)];
  expect(groups(ways.map((controls) => ({ controls })))).toEqual([[0, 5], [1], [2], [3], [4]]);
  const two = [...steered(1), ...steered(0.5, other)];
  expect(groups([two, steered(1), two].map((controls) => ({ controls })))).toEqual([[0, 2], [1]]);
});

test("rows at different timesteps run apart where a network of theirs takes one for all", () => {
  const limits = { ...FREE, takesTimestepPerRow: false };
  const rows = [{ timestep: 9 }, { timestep: 5 }, { timestep: 9 }];
  expect(groups(rows, limits)).toEqual([[0, 2], [1]]);
  const controls = steered(1, other);
  expect(groups(rows.map((one) => ({ ...one, controls })))).toEqual([[0, 2], [1]]);
  expect(groups(rows.map((one) => ({ ...one, controls: steered(1) })))).toEqual([[0, 1, 2]]);
});

test("a run has no more rows than the denoiser's file fixes", () => {
  expect(groups([{}, {}, {}, {}], { ...FREE, fixedRows: 3 })).toEqual([[0, 1, 2], [3]]);
});
