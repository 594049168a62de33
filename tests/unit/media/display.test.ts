import { expect, test } from "bun:test";
import { orientationFromRoll, orientationOf } from "../../../src/media/display.ts";

const ONE = 0x10000;
const matrix = (a: number, b: number, c: number, d: number): number[] => [
  ...[a * ONE, b * ONE, 0],
  ...[c * ONE, d * ONE, 0],
  ...[0, 0, 0x40000000],
];

test("a matrix of each quarter turn is read clockwise", () => {
  expect(orientationOf(matrix(1, 0, 0, 1))).toBeNull();
  expect(orientationOf(matrix(0, 1, -1, 0))).toEqual({ rotation: 90, mirrored: false });
  expect(orientationOf(matrix(-1, 0, 0, -1))).toEqual({ rotation: 180, mirrored: false });
  expect(orientationOf(matrix(0, -1, 1, 0))).toEqual({ rotation: 270, mirrored: false });
});

test("a mirrored matrix is a flip from left to right and a turn", () => {
  expect(orientationOf(matrix(-1, 0, 0, 1))).toEqual({ rotation: 0, mirrored: true });
  expect(orientationOf(matrix(1, 0, 0, -1))).toEqual({ rotation: 180, mirrored: true });
  expect(orientationOf(matrix(0, -1, -1, 0))).toEqual({ rotation: 90, mirrored: true });
});

test("small angles are rounded, a matrix without area is ignored", () => {
  expect(orientationOf(matrix(0.1, 0.99, -0.99, 0.1))?.rotation).toBe(90);
  expect(orientationOf(matrix(0, 0, 0, 0))).toBeNull();
  expect(orientationOf([])).toBeNull();
});

test("a roll turns the other way round, and with a yaw of half a turn the picture is mirrored, as FFmpeg reads them", () => {
  expect(orientationFromRoll(0, false)).toBeNull();
  expect(orientationFromRoll(90, false)).toEqual({ rotation: 270, mirrored: false });
  expect(orientationFromRoll(-90, false)).toEqual({ rotation: 90, mirrored: false });
  expect(orientationFromRoll(180, false)).toEqual({ rotation: 180, mirrored: false });
  expect(orientationFromRoll(90, true)).toEqual({ rotation: 270, mirrored: true });
  expect(orientationFromRoll(0, true)).toEqual({ rotation: 0, mirrored: true });
  expect(orientationFromRoll(1e300, false)).toBeNull();
});
