import { expect, test } from "bun:test";
import { batchKey } from "../../../../src/engine/device/batch-key.ts";
import { defineModel } from "../../../../src/engine/models/define-model.ts";
import type { RunItem, StillPicture } from "../../../../src/engine/models/roles/role.ts";
import { signature } from "../../../support/signature.ts";

const definition = defineModel(
  "m",
  {
    inputs: {
      alone: { role: "param" },
      each: { role: "param" },
      code: { role: "from", from: { model: "encoder", output: "code" } },
      style: { role: "image" },
      strength: { role: "image", name: "second" },
    },
  },
  signature(
    [
      "x float32 [N, 3, H, W]",
      "alone float32 [1]",
      "each float32 [N]",
      "code float32 [1, 2]",
      "style float32 [1, 3, H, W]",
      "strength float32 [N, 3, H, W]",
    ],
    ["y float32 [N, 3, H, W]"],
  ),
);

const still = (): StillPicture => ({ width: 1, height: 1, data: new Uint8Array(3) });
const code = (...numbers: number[]) => ({
  dtype: "float32" as const,
  dims: [1, numbers.length],
  data: Float32Array.from(numbers),
});
const style = still();

const item = (
  values: RunItem["values"] = {},
  width = 8,
  original: RunItem["original"] = null,
): RunItem => ({
  lane: "a",
  picture: { width, height: 4, data: new Uint8Array(width * 12) },
  original,
  size: { width, height: 4 },
  values: { alone: 1, each: 1, code: code(1, 2), style, strength: still(), ...values },
});

const key = (...args: Parameters<typeof item>): string => batchKey(definition, item(...args));

test("runs with equal keys may differ in the stream and in what is batched", () => {
  expect(definition.inputs.map(({ batched }) => batched)).toEqual([
    true,
    false,
    true,
    false,
    false,
    true,
  ]);
  expect(key({ each: 2 })).toBe(key());
  expect(key({ strength: still() })).toBe(key());
  expect(batchKey(definition, { ...item(), lane: "b" })).toBe(key());
});

test("equal tensors and the same picture make equal keys", () => {
  expect(key({ code: code(1, 2) })).toBe(key());
  expect(key({ style })).toBe(key());
});

test("a key does not grow with the tensors in it", () => {
  expect(key({ code: code(...Array<number>(50_000).fill(1)) }).length).toBeLessThan(200);
});

test.each([
  ["a number", { alone: 2 }],
  ["a tensor", { code: code(1, 3) }],
  ["a picture", { style: still() }],
] as const)("runs that differ in %s without a batch dimension are kept apart", (_, values) => {
  expect(key(values)).not.toBe(key());
});

test("a picture that is absent is another one", () => {
  const { style: _, ...values } = item().values;
  expect(batchKey(definition, { ...item(), values })).not.toBe(key());
});

test("pictures of different sizes are kept apart, and so are those that are drawn over", () => {
  expect(key({}, 16)).not.toBe(key());
  const original = { width: 20, height: 10, data: new Uint8Array(600) };
  expect(key({}, 8, original)).not.toBe(key());
});
