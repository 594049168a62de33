import { expect, test } from "bun:test";
import { parseDevice } from "../../../../src/engine/device/devices.ts";
import {
  modelsToUnload,
  type Resident,
  residentBytes,
  separatesSizes,
} from "../../../../src/engine/device/model-memory.ts";
import type { Size } from "../../../../src/engine/protocol/work.ts";

const NOW = 100_000;
const LIMIT = 100;

/** Models by name: bytes, and seconds since the last run. */
const residents = (models: Readonly<Record<string, readonly [number, number]>>): Resident[] =>
  Object.entries(models).map(([name, [bytes, idle]]) => ({
    name,
    bytes,
    lastUsed: NOW - idle * 1000,
  }));

const unloaded = (models: Parameters<typeof residents>[0], bytes: number): string[] =>
  modelsToUnload(residents(models), bytes, LIMIT, NOW).map(({ name }) => name);

test("what fits leaves all others in memory", () => {
  expect(unloaded({}, 100)).toEqual([]);
  expect(unloaded({ a: [60, 900] }, 40)).toEqual([]);
});

test("the least recently used go first, and no more than needed", () => {
  const models = { a: [30, 10], b: [30, 30], c: [30, 20] } as const;
  expect(unloaded(models, 20)).toEqual(["b"]);
  expect(unloaded(models, 50)).toEqual(["b", "c"]);
  expect(unloaded(models, 100)).toEqual(["b", "c", "a"]);
});

test("a model in use stays, and the limit is exceeded instead", () => {
  expect(unloaded({ a: [90, 1], b: [5, 60] }, 50)).toEqual(["b"]);
  expect(unloaded({ a: [90, 1] }, 50)).toEqual([]);
  expect(unloaded({ a: [90, 2] }, 50)).toEqual(["a"]);
});

test("a model that is larger than the limit unloads all that are idle", () => {
  expect(unloaded({ a: [10, 5], b: [10, 0], c: [10, 6] }, 500)).toEqual(["c", "a"]);
});

test("a pipeline takes more beside its files than a network: it has a session for each of its parts", () => {
  const of = (program: { path: string } | { pipeline: string }): number =>
    residentBytes({ bytes: 1000, program });
  expect(of({ path: "model.onnx" })).toBe(1000 + 60 * 2 ** 20);
  expect(of({ pipeline: "folder" })).toBe(1000 + 120 * 2 ** 20);
});

test.each<[string, string, number, Size | null, boolean]>([
  ["a small model of free size", "cpu", 2 ** 20, null, true],
  ["a model of gigabytes", "cpu", 2 ** 31, null, false],
  ["a model of one size", "cpu", 2 ** 20, { width: 256, height: 256 }, false],
  ["a model on a GPU", "cuda:0", 2 ** 20, null, false],
])(
  "%s: loaded once more for large pictures only where that is cheap",
  (_, device, bytes, size, expected) => {
    const model = { bytes, picture: { size, multipleOf: 1 } };
    expect(separatesSizes(parseDevice(device), model)).toBe(expected);
  },
);
