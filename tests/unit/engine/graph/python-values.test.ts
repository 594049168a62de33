/** Python's conversions, as `int(x)`, `float(x)`, `str(x)` and `bool(x)` give them. */
import { expect, test } from "bun:test";
import { toBoolean, toFloat, toInt, toText } from "../../../../src/engine/graph/python-values.ts";

test.each([
  [4.9, 4],
  [-4.9, -4],
  [-0.5, 0],
  [true, 1],
  ["7", 7],
  [" +7\n", 7],
  ["-1_000", -1000],
  ["18446744073709551615", 18446744073709551615n],
  ["7.5", null],
  ["1__0", null],
  ["0x10", null],
  ["", null],
  [null, null],
  [{}, null],
  [Number.POSITIVE_INFINITY, null],
])("int(%p) is %p", (given, wanted) => {
  expect(toInt(given)).toBe(wanted);
});

test.each([
  [true, 1],
  [3n, 3],
  ["1e1", 10],
  [" .5", 0.5],
  ["5.", 5],
  ["1_0.2_5", 10.25],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["nan", Number.NaN],
  ["1e", null],
  [".", null],
  ["five", null],
  [null, null],
])("float(%p) is %p", (given, wanted) => {
  expect(toFloat(given)).toBe(wanted);
});

test.each([
  [5, "5"],
  [true, "True"],
  [null, "None"],
  ["as it is", "as it is"],
  [[1, "two", true, null, [2.5]], "[1, 'two', True, None, [2.5]]"],
  [{ a: 1, "it's": "\n" }, `{'a': 1, "it's": '\\n'}`],
  [{ b: `"it's"` }, `{'b': '"it\\'s"'}`],
  [18446744073709551615n, "18446744073709551615"],
])("str(%p) is %p", (given, wanted) => {
  expect(toText(given)).toBe(wanted);
});

test.each([
  ["false", true],
  ["", false],
  [0, false],
  [null, false],
  [{}, false],
  [{ a: 1 }, true],
])("bool(%p) is %p", (given, wanted) => {
  expect(toBoolean(given)).toBe(wanted);
});
