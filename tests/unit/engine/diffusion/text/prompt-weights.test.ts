/** ComfyUI's prompt syntax: parentheses, numbers, escapes, and text that only looks like them. */
import { expect, test } from "bun:test";
import { parsePromptWeights } from "../../../../../src/engine/diffusion/text/prompt-weights.ts";

/** Text and weight of one segment after the other. */
const segments = (prompt: string) =>
  parsePromptWeights(prompt).flatMap(({ text, weight }) => [text, weight]);

const cases: readonly (readonly [prompt: string, segments: readonly (string | number)[]])[] = [
  ["", []],
  ["()", []],
  ["plain text", ["plain text", 1]],
  ["a (cat)", ["a ", 1, "cat", 1.1]],
  ["((cat))", ["cat", 1.1 * 1.1]],
  ["a (red (blue:1.2) green:0.8)", ["a ", 1, "red ", 0.8, "blue", 1.2, " green", 0.8]],
  ["((deep:1.05))", ["deep", 1.05]],
  ["(a:1.2:1.3)", ["a:1.2", 1.3]],
  ["(:1.2)", [":1.2", 1.1]],
  ["(a:)", ["a:", 1.1]],
  ["(a:x)", ["a:x", 1.1]],
  ["(a\\):1.4)", ["a)", 1.4]],
  ["\\(cat\\)", ["(cat)", 1]],
  ["[cat] {dog}", ["[cat] {dog}", 1]],
  // Unclosed parentheses take the rest with them; a `)` before any `(` makes the next one text.
  ["a ( b", ["a ", 1, "( b", 1]],
  ["((a) b", ["((a) b", 1]],
  ["((a)", ["(a", 1.1]],
  ["a ) b ( c", ["a ) b ( c", 1]],
  [") ( a (b)", [") ( a ", 1, "b", 1.1]],
];

test.each(cases)("%j", (prompt, expected) => {
  expect(segments(prompt)).toEqual([...expected]);
});

test.each([
  ["1.5", 1.5],
  [" 1.2\u00a0", 1.2],
  ["+.5", 0.5],
  ["2.", 2],
  ["-0.5", -0.5],
  ["1e1", 10],
  ["1_0.2_5", 10.25],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["NaN", Number.NaN],
])("a weight of %j is the number that Python reads", (number, weight) => {
  expect(segments(`(a:${number})`)).toEqual(["a", weight]);
});

test.each(["", "0x10", "1__0", "_1", "1_", "1,5", "1e", ".", "--1", "\ufeff1"])(
  "%j is not a number",
  (number) => {
    expect(segments(`(a:${number})`)).toEqual([`a:${number}`, 1.1]);
  },
);

test.each([
  ["opening", "(".repeat(100_000)],
  ["nested", `${"(".repeat(50_000)}${")".repeat(50_000)}`],
  ["unbalanced", `${"(".repeat(50_001)}${")".repeat(49_999)}`],
  ["digits", `(a:${"1".repeat(100_000)}x)`],
])("100,000 characters take no longer than a plain text: %s", (_, prompt) => {
  const begun = performance.now();
  parsePromptWeights(prompt);
  expect(performance.now() - begun).toBeLessThan(1000);
});
