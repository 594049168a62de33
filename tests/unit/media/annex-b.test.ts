import { expect, test } from "bun:test";
import { lengthPrefixed, nalType, splitNals } from "../../../src/media/annex-b.ts";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const split = (...values: number[]): number[][] =>
  splitNals(bytes(...values)).map((nal) => [...nal]);

test("units are cut at start codes of three and of four bytes", () => {
  expect(split(0, 0, 0, 1, 9, 240, 0, 0, 1, 0x65, 1, 2, 0, 0, 0, 1, 0x41, 3)).toEqual([
    [9, 240],
    [0x65, 1, 2],
    [0x41, 3],
  ]);
});

test("bytes before the first start code and zeros after a unit belong to no unit", () => {
  expect(split(7, 7, 0, 0, 1, 0x65, 5, 0, 0, 0, 0, 0, 1, 0x41, 6, 0, 0)).toEqual([
    [0x65, 5],
    [0x41, 6],
  ]);
});

test("single zeros and escaped start codes inside a unit stay", () => {
  expect(split(0, 0, 1, 0x65, 0, 1, 0, 0, 3, 1, 9)).toEqual([[0x65, 0, 1, 0, 0, 3, 1, 9]]);
});

test("start codes alone, or no start code, give no units", () => {
  expect(split(0, 0, 1, 0, 0, 1, 0, 0, 0, 1)).toEqual([]);
  expect(split(1, 2, 3)).toEqual([]);
  expect(split()).toEqual([]);
});

test("samples hold every unit behind its length", () => {
  const nals = [bytes(0x65, 1, 2), new Uint8Array(300).fill(4)];
  const sample = lengthPrefixed(nals);
  expect([...sample.subarray(0, 7)]).toEqual([0, 0, 0, 3, 0x65, 1, 2]);
  expect([...sample.subarray(7, 12)]).toEqual([0, 0, 1, 44, 4]);
  expect(sample.length).toBe(4 + 3 + 4 + 300);
});

test("what is split and prefixed again decodes to the same units, for any bytes", () => {
  let state = 1;
  for (let round = 0; round < 2000; round++) {
    const data = Uint8Array.from({ length: 40 }, () => {
      state = (state * 1664525 + 1013904223) % 2 ** 32;
      return state % 7 < 4 ? 0 : state % 7 < 6 ? 1 : state >>> 24;
    });
    const nals = splitNals(data);
    for (const nal of nals) {
      expect(nal.length).toBeGreaterThan(0);
      expect(nal.at(-1)).not.toBe(0);
      expect(nalType(nal)).toBe((nal[0] ?? 0) & 31);
      expect(splitNals(nal)).toEqual([]);
    }
  }
});
