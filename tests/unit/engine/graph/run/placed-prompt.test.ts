import { describe, expect, test } from "bun:test";
import {
  SigmaTable,
  trainedSigmas,
} from "../../../../../src/engine/diffusion/schedule/sigma-table.ts";
import type { Conditioning } from "../../../../../src/engine/diffusion/text/conditioning.ts";
import {
  placePrompt,
  withMaskBounds,
  withOpposites,
} from "../../../../../src/engine/graph/run/placed-prompt.ts";
import type { ConditioningPart, Mask } from "../../../../../src/engine/graph/run/values.ts";

const table = new SigmaTable(trainedSigmas());
const text = (): Conditioning => ({
  embeddings: new Float32Array(2),
  tokens: 1,
  width: 2,
  pooled: null,
});
const part = (changes: Partial<ConditioningPart> = {}): ConditioningPart => ({
  conditioning: text(),
  strength: 1,
  range: null,
  ...changes,
});
const shape = [1, 4, 16, 16] as const;
const area = (x: number, width: number) => ({ x, y: 0, width, height: 16 });

/** 1 in a rectangle of 16x16 places, 0 elsewhere. */
const maskOf = (left: number, right: number): Mask => ({
  values: Float32Array.from({ length: 256 }, (_, at) =>
    at % 16 >= left && at % 16 < right ? 1 : 0,
  ),
  batch: 1,
  height: 16,
  width: 16,
});

describe("a prompt in its place", () => {
  test("without an area counts everywhere and always", () => {
    const placed = placePrompt(part({ strength: 0.5 }), shape, table);
    expect(placed.area).toEqual({ x: 0, y: 0, width: 16, height: 16 });
    expect(placed.weights).toEqual(new Float32Array(256).fill(0.5));
    expect([placed.start, placed.end]).toEqual([Number.POSITIVE_INFINITY, 0]);
  });

  test("an area fades at the edges that are not edges of the latent", () => {
    const { weights } = placePrompt(part({ area: area(0, 8) }), shape, table);
    expect([...weights.subarray(0, 8)]).toEqual([1, 1, 1, 1, 1, 1, 1, 0.5]);
  });

  test("an area beyond the latent is cut to what lies inside", () => {
    const placed = placePrompt(part({ area: area(12, 100) }), shape, table);
    expect(placed.area).toEqual({ x: 12, y: 0, width: 4, height: 16 });
  });

  test("a mask gives its weights, and its bounds where only they are to be evaluated", () => {
    const mask = { values: maskOf(2, 14), strength: 0.5, area: "bounds" as const };
    const bounded = withMaskBounds(part({ mask }), shape);
    expect(bounded.area).toEqual({ x: 2, y: 0, width: 12, height: 16 });
    const { weights } = placePrompt(bounded, shape, table);
    expect(weights).toEqual(new Float32Array(12 * 16).fill(0.5));
  });

  test("an empty mask is bounded by the smallest area", () => {
    const mask = { values: maskOf(0, 0), strength: 1, area: "bounds" as const };
    expect(withMaskBounds(part({ mask }), shape).area).toEqual({ x: 0, y: 0, width: 8, height: 8 });
  });

  test("a range is one of sigmas", () => {
    const placed = placePrompt(part({ range: { start: 0.25, end: 0.75 } }), shape, table);
    expect(placed.start).toBeCloseTo(table.sigma(749.25), 5);
    expect(placed.end).toBeCloseTo(table.sigma(249.75), 5);
  });
});

describe("prompts of the other side", () => {
  test("get the area of a prompt, with a text of their own", () => {
    const plain = part();
    const placed = part({ area: area(4, 8), strength: 0.7 });
    const [, added, ...more] = withOpposites([plain], [placed]);
    expect(added).toEqual({ ...placed, conditioning: plain.conditioning });
    expect(added?.conditioning).toBe(plain.conditioning);
    expect(more).toEqual([]);
  });

  test("take the text of the smallest area around it, and nothing where one has the same", () => {
    const wide = part({ area: area(0, 14) });
    const narrow = part({ area: area(2, 10) });
    const [, , , added] = withOpposites([part(), wide, narrow], [part({ area: area(4, 4) })]);
    expect(added?.conditioning).toBe(narrow.conditioning);
    expect(withOpposites([narrow], [part({ area: area(2, 10) })])).toEqual([narrow]);
  });
});
