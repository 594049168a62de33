import { expect, test } from "bun:test";
import { fieldsText } from "../../src/log.ts";

test("plain words and numbers are not quoted", () => {
  expect(fieldsText({ url: "http://a:1/b-c", n: 1.5, on: true, none: null })).toBe(
    " url=http://a:1/b-c n=1.5 on=true none=null",
  );
});

test.each([
  ["two words", '"two words"'],
  ["", '""'],
  ['say="x"', '"say=\\"x\\""'],
  ["a\nb", '"a\\nb"'],
  ["\u001b[31m", '"\\u001b[31m"'],
  ["\u009b31m", '"\\u{9b}31m"'],
  ["a\u2028b", '"a\\u{2028}b"'],
  ["a\u202eb", '"a\\u{202e}b"'],
])("%j is quoted on one line", (id, text) => {
  expect(fieldsText({ id })).toBe(` id=${text}`);
  expect(fieldsText({ list: [id] })).toContain(text);
});
