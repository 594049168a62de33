import { expect, test } from "bun:test";
import {
  markerAge,
  markerArea,
  markerBlocks,
  markerTime,
  readMarker,
} from "../../../src/media/marker.ts";

const SIZES = [
  [64, 64],
  [64, 4096],
  [4096, 64],
  [426, 240],
  [512, 512],
  [640, 360],
  [1280, 720],
  [1920, 1080],
  [4096, 4096],
] as const;
const NUMBERS = [0, 1, 0x8000_0000, 0xffff_ffff, 0xa5a5_5a5a, 1_764_383_400];

/** A picture that shows a number, sampled by column and row; grey beside the marker. */
function pictureOf(number: number, size: { width: number; height: number }) {
  const blocks = markerBlocks(number, size);
  return (x: number, y: number): number => {
    const block = blocks.find(
      (each) => x >= each.x && x < each.x + each.width && y >= each.y && y < each.y + each.height,
    );
    return block === undefined ? 128 : block.shade === "white" ? 235 : 16;
  };
}

test("every number can be read again, in outputs of every shape", () => {
  for (const [width, height] of SIZES)
    for (const number of NUMBERS)
      expect(readMarker({ width, height }, pictureOf(number, { width, height }))).toBe(number);
});

test("blocks have even edges, lie inside the picture and fill the marker's area without gaps", () => {
  for (const [width, height] of SIZES) {
    const area = markerArea({ width, height });
    expect(area.width).toBeLessThanOrEqual(width);
    expect(area.height).toBeLessThanOrEqual(height);
    const blocks = markerBlocks(7, { width, height });
    expect(
      blocks.flatMap(({ x, y, width: w, height: h }) => [x, y, w, h].filter((n) => n % 2)),
    ).toEqual([]);
    const covered = blocks.reduce((sum, block) => sum + block.width * block.height, 0);
    expect(covered).toBe(area.width * area.height);
  }
});

test("a picture that was scaled on the way can still be read", () => {
  const sent = { width: 1280, height: 720 };
  const luma = pictureOf(0xdead_beef, sent);
  for (const [width, height] of [
    [854, 480],
    [640, 360],
    [1920, 1080],
  ] as const) {
    const scaled = (x: number, y: number) =>
      luma(Math.floor((x * sent.width) / width), Math.floor((y * sent.height) / height));
    expect(readMarker({ width, height }, scaled)).toBe(0xdead_beef);
  }
});

test("pictures without a marker show none", () => {
  const size = { width: 512, height: 512 };
  for (const flat of [0, 16, 128, 235, 255]) expect(readMarker(size, () => flat)).toBeNull();
  expect(readMarker(size, (x) => x % 256)).toBeNull();
  expect(readMarker({ width: 48, height: 48 }, () => 0)).toBeNull();
});

test("a single wrong block is noticed", () => {
  const size = { width: 512, height: 512 };
  const luma = pictureOf(123_456, size);
  for (const { x, y, width, height } of markerBlocks(123_456, size)) {
    const damaged = (column: number, row: number) => {
      const isInside = column >= x && column < x + width && row >= y && row < y + height;
      return isInside ? 255 - luma(column, row) : luma(column, row);
    };
    expect(readMarker(size, damaged)).toBeNull();
  }
});

test("the age of a marker survives the wrap of its number, and clocks that are ahead", () => {
  const now = 2 ** 41 - 5; // its low 32 bits are about to start anew
  expect(markerAge(markerTime(now), now + 250)).toBe(250);
  expect(markerAge(markerTime(now + 40), now)).toBe(-40);
});
