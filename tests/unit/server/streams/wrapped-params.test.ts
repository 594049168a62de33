import { expect, test } from "bun:test";
import { wrappedParams } from "../../../../src/server/streams/wrapped-params.ts";

test.each<[unknown, object]>([
  [{ fps: 7 }, { fps: 7 }],
  [undefined, {}],
  [null, {}],
  ["", {}],
  ["null", {}],
  ['{"fps": 7}', { fps: 7 }],
  [[null, "x", { fps: 7 }, { fps: 8 }], { fps: 7 }],
  [[], {}],
])("%j holds %j", (params, expected) => {
  expect(wrappedParams(params)).toEqual(expected);
});

test.each([[5], [true], ["{"], ["5"]])("%j is refused by name and value", (params) => {
  expect(() => wrappedParams(params)).toThrow(
    `params must be an object, or JSON text of one, got ${JSON.stringify(params)}`,
  );
});

test("JSON text that cannot be read is refused with the reason", () => {
  expect(() => wrappedParams(JSON.stringify(Array(20_000).fill(0)))).toThrow(
    "it holds more than 20000 values",
  );
  expect(() => wrappedParams('{"fps": 5,}')).toThrow("line 1, column 11: remove the comma");
});
