/** Tests how numbers are shown, and what is said of numbers that cannot be used. */
import { describe, expect, test } from "bun:test";
import { numberFault, shownNumber, stepFor } from "../../../src/playground/numbers.ts";

describe("a slider", () => {
  test.each([
    [0, 1, 0.5, 0.01],
    [0, 2, 1, 0.01],
    [0, 10, 1, 0.1],
    [0, 10, 0.25, 0.01],
    [0, 1000, 7, 1],
    [-1, 1, 0.125, 0.001],
    [0.05, 1.05, 0.55, 0.01],
    [0, 1, 1 / 3, 0.01],
  ])("from %d to %d with the default %d has the step %d", (min, max, base, step) => {
    expect(stepFor(min, max, base)).toBeCloseTo(step, 9);
  });

  test.each([
    [0.25, 0.01, "0.25"],
    [0.3, 0.01, "0.30"],
    [4, 0.1, "4.0"],
    [7, 1, "7"],
    [-1.5, 0.05, "-1.50"],
    [0.25, 0.1, "0.25"],
    [0.125, 0.01, "0.125"],
    [0.00012345, 0.01, "0.00012"],
    [0, 0.01, "0.00"],
  ])("shows %d at a step of %d as %s", (value, step, shown) => {
    expect(shownNumber(value, step)).toBe(shown);
  });
});

describe("a typed number", () => {
  const seed = { min: 0, max: 4_294_967_295, integer: true };
  test.each(["0", "77", " 12 ", "4294967295", "1e3"])("can be used: %j", (text) => {
    expect(numberFault(text, seed)).toBeNull();
  });

  test.each([
    ["1.5", "1.5 is not a whole number."],
    ["-1", "-1 is too small: the minimum is 0."],
    ["4294967296", "4294967296 is too large: the maximum is 4294967295."],
    ["", "Enter a number."],
    ["abc", "Enter a number."],
    ["1e999", "Enter a number."],
  ])("that cannot be used is explained: %j", (text, fault) => {
    expect(numberFault(text, seed)).toBe(fault);
  });

  test("may have decimals where any number is allowed", () => {
    expect(numberFault("0.5", { integer: false })).toBeNull();
  });
});
