import { expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { checked } from "../../../src/server/field-errors.ts";
import { shown } from "../../../src/shown-value.ts";

const Schema = Type.Object(
  {
    id: Type.Optional(Type.String({ minLength: 1, maxLength: 4 })),
    n: Type.Optional(Type.Integer({ minimum: 1, maximum: 3 })),
    on: Type.Optional(Type.Boolean()),
    list: Type.Optional(Type.Array(Type.Number(), { maxItems: 2 })),
  },
  { additionalProperties: false },
);

test.each<[unknown, string]>([
  [null, "body must be a JSON object, got null"],
  [{ a: 1 }, "a is unknown; leave it out"],
  [{ id: "12345" }, 'id must be text of 1 to 4 characters, got "12345"'],
  [{ n: 4 }, "n must be an integer from 1 to 3, got 4"],
  [{ n: "1" }, 'n must be an integer from 1 to 3, got "1"'],
  [{ on: 1 }, "on must be true or false, got 1"],
  [{ n: "https://orch:8935/ai/trickle/secret" }, 'from 1 to 3, got "https://orch:8935"'],
  [{ list: [1, "x"] }, 'list.1 must be a number, got "x"'],
  [{ list: [1, 2, 3] }, "list must be a list of 0 to 2, got [1,2,3]"],
])("%j: %s", (value, sentence) => {
  expect(() => checked(Schema, value)).toThrow(sentence);
});

test("a required member that is missing is named with what it must be", () => {
  expect(() => checked(Type.Object({ text: Type.String() }), {})).toThrow(
    "text is required and must be text",
  );
});

test("of a million wrong members ten are named", () => {
  const value = Array.from({ length: 1_000_000 }, () => "x");
  const begun = performance.now();
  expect(() => checked(Type.Array(Type.Number()), value)).toThrow(/^0 must be [^;]*(; [^;]*){9}$/);
  expect(performance.now() - begun).toBeLessThan(500);
});

test.each([
  [undefined, "undefined"],
  [[], "[]"],
  [{ a: [1, null, true], "b c": { d: "e" } }, '{"a":[1,null,true],"b c":{"d":"e"}}'],
  ["x".repeat(1000), `"${"x".repeat(119)}…`],
  [{ url: "https://host/secret" }, '{"url":"https://host"}'],
])("%j is shown as %s", (value, text) => {
  expect(shown(value)).toBe(text);
});

test("of a value that is huge or nests deeply the beginning is shown, at once", () => {
  let deep: unknown = 1;
  for (let depth = 0; depth < 100_000; depth++) deep = [deep];
  const wide = Array.from({ length: 5_000_000 }, () => 1);
  const begun = performance.now();
  expect(shown(deep)).toBe(`${"[".repeat(120)}…`);
  expect(shown([wide, wide])).toBe(`[[${"1,".repeat(59)}…`);
  expect(performance.now() - begun).toBeLessThan(250);
});
