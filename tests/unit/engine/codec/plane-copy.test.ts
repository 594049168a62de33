import { expect, test } from "bun:test";
import { copyPlane } from "../../../../src/engine/codec/plane-copy.ts";

const counted = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) & 255);

test.each([
  ["packed to packed", 5, 5],
  ["padded to packed", 8, 5],
  ["packed to padded", 5, 8],
])("rows arrive where they belong: %s", async (_, fromStride, toStride) => {
  const size = { width: 5, height: 7 };
  const from = { bytes: counted(fromStride * 7), stride: fromStride };
  const to = { bytes: new Uint8Array(toStride * 7), stride: toStride };
  await copyPlane(from, to, size);
  for (let row = 0; row < 7; row++) {
    const at = (plane: { bytes: Uint8Array; stride: number }) => [
      ...plane.bytes.subarray(row * plane.stride, row * plane.stride + 5),
    ];
    expect(at(to)).toEqual(at(from));
  }
});

test("a large plane leaves turns to others, and arrives whole", async () => {
  const size = { width: 4096, height: 4096 };
  const from = { bytes: counted(4096 * 4096), stride: 4096 };
  const to = { bytes: new Uint8Array(4096 * 4096), stride: 4096 };
  let turns = 0;
  let copying = true;
  const others = (): void => {
    turns++;
    if (copying) setImmediate(others);
  };
  setImmediate(others);
  await copyPlane(from, to, size);
  copying = false;
  expect(turns).toBeGreaterThanOrEqual(7);
  expect(Bun.hash(to.bytes)).toBe(Bun.hash(from.bytes));
});
