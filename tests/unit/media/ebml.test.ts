import { expect, test } from "bun:test";
import {
  readElementHeader,
  readElements,
  readFloat,
  readString,
  readUint,
} from "../../../src/media/ebml.ts";

const header = (...bytes: number[]) => readElementHeader(Uint8Array.from(bytes), 0);

test("IDs keep their marker, sizes of any length lose it", () => {
  expect(header(0xa3, 0x85)).toEqual({ id: 0xa3, size: 5, headerBytes: 2 });
  expect(header(0x42, 0x86, 0x40, 0x7f)).toEqual({ id: 0x4286, size: 127, headerBytes: 4 });
  expect(header(0x1f, 0x43, 0xb6, 0x75, 0x01, 0, 0, 0, 1, 0, 0, 9)).toEqual({
    id: 0x1f43b675,
    size: 2 ** 24 + 9,
    headerBytes: 12,
  });
});

test("a size of ones alone is unknown, at any length", () => {
  for (let length = 1; length <= 8; length++) {
    const size = [0xff >> (length - 1), ...Array<number>(length - 1).fill(0xff)];
    expect(header(0xe7, ...size)).toMatchObject({ size: Number.POSITIVE_INFINITY });
    if (length > 1) expect(header(0xe7, ...size.slice(0, -1))).toBe("cut");
  }
  expect(header(0xe7, 0xfe)).toMatchObject({ size: 126 });
});

test("what cannot be an ID or a size is told from what is cut", () => {
  expect(header()).toBe("cut");
  expect(header(0x1a, 0x45)).toBe("cut");
  expect(header(0x0f, 0x45, 0xdf, 0xa3, 0x80)).toBeNull();
  expect(header(0xa3, 0x00)).toBeNull();
});

test("children end where one is cut off", () => {
  const bytes = Uint8Array.of(0xd7, 0x81, 1, 0x83, 0x82, 1);
  expect([...readElements(bytes)]).toEqual([{ id: 0xd7, data: Uint8Array.of(1) }]);
});

test("values", () => {
  expect(readUint(Uint8Array.of(1, 0, 0))).toBe(65_536);
  expect(readUint(new Uint8Array(0))).toBe(0);
  expect(readFloat(Uint8Array.of(0x47, 0x3b, 0x80, 0))).toBe(48_000);
  expect(readFloat(Uint8Array.of(0x40, 0xe7, 0x70, 0, 0, 0, 0, 0))).toBe(48_000);
  expect(readFloat(Uint8Array.of(0x7f, 0xc0, 0, 0))).toBe(0);
  expect(readString(Uint8Array.of(119, 101, 98, 109, 0, 0))).toBe("webm");
});
