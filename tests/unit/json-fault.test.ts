/** Where and why a text is not JSON, and texts that nest too deep or hold too many values. */
import { expect, test } from "bun:test";
import { jsonFault, MAX_JSON_DEPTH, MAX_JSON_VALUES, parseBounded } from "../../src/json-fault.ts";

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
const zeros = (count: number) => `[${"0,".repeat(count - 1)}0]`;
const members = (count: number) =>
  `{${Array.from({ length: count }, (_, n) => `"m${n}":1`).join(",")}}`;

test.each([
  ['{"seed": NaN}', "line 1, column 10: JSON has no NaN and no Infinity: give a number"],
  ['{\n "cfg": -Infinity}', "line 2, column 9: JSON has no NaN"],
  ['{"add_noise": True}', "line 1, column 15: JSON writes true, false and null"],
  ["{'3': 1}", "line 1, column 2: JSON has double quotes only"],
  ['{"a": 1,\n}', "line 2, column 1: remove the comma before this"],
  ['{"a": [1, 2', "line 1, column 12: a ] is missing"],
  ['{"a": "b\nc"}', "line 1, column 7: "],
  [nested(MAX_JSON_DEPTH + 1), "it nests deeper than 100 levels"],
  [`{"a": ${"[".repeat(200_000)}`, "it nests deeper than 100 levels"],
  [zeros(MAX_JSON_VALUES), "it holds more than 20000 values"],
  [members(MAX_JSON_VALUES), "it holds more than 20000 values"],
  ["[[],[".repeat(MAX_JSON_VALUES), "it nests deeper than 100 levels"],
  [`[${"[],{},".repeat(MAX_JSON_VALUES)}`, "it holds more than 20000 values"],
])("%.30j is refused with the place and the reason", (text, message) => {
  expect(() => parseBounded(text)).toThrow(SyntaxError);
  expect(() => parseBounded(text)).toThrow(message);
  expect(jsonFault(text)).not.toBeNull();
});

test.each([
  nested(MAX_JSON_DEPTH),
  zeros(MAX_JSON_VALUES - 1),
  members(MAX_JSON_VALUES - 1),
  JSON.stringify({ prompt: ",[{".repeat(MAX_JSON_VALUES), picture: "x".repeat(1e6) }),
  JSON.stringify({ text: "[".repeat(500), quoted: `\\"${"{".repeat(500)}\\`, end: "\\" }),
  '"\\\\" ',
])("%.30j is read as JSON.parse reads it", (text) => {
  expect(parseBounded(text)).toEqual(JSON.parse(text));
  expect(jsonFault(text)).toBeNull();
});

test.each([
  ['["\\"[[[["]', "an escaped quote"],
  ['["\\\\", "[[[["]', "an escaped backslash before the end of a text"],
  ['["\\\\\\"[[[[", 1]', "both"],
  ['{"a\\"": "]]]]", "b": [1]}', "in a name"],
])("brackets in a text are not nesting: %s (%s)", (text) => {
  expect(parseBounded(text.replaceAll("[[[[", "[".repeat(2000)))).toEqual(
    JSON.parse(text.replaceAll("[[[[", "[".repeat(2000))),
  );
  expect(() => parseBounded(`{"a": ${text}, "b": ${"[".repeat(2000)}`)).toThrow("nests deeper");
});
