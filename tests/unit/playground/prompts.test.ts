/** Tests how the form's prompts become a request's, and a stream's become the form's. */
import { describe, expect, test } from "bun:test";
import {
  apiPrompts,
  areEmpty,
  NO_PROMPTS,
  type Prompts,
  promptsIn,
  promptsOf,
  withAnother,
  without,
  withPatch,
} from "../../../src/playground/prompts.ts";
import { promptTitle } from "../../../src/playground/stream-title.ts";

const size = { width: 512, height: 512 };
const sea: Prompts = {
  texts: [
    { text: "a sea", weight: 0.5 },
    { text: "boats", weight: -0.5 },
    { text: "dusk", weight: 1 },
  ],
  negative: "people",
};

describe("a request", () => {
  test("has one text as it is", () => {
    expect(apiPrompts(promptsOf(" a sea "))).toEqual([{ prompt: "a sea" }]);
  });

  test("has the negative prompt at every text that counts positively", () => {
    expect(apiPrompts(sea)).toEqual([
      { prompt: "a sea", negative_prompt: "people", weight: 0.5 },
      { prompt: "boats", weight: -0.5 },
      { prompt: "dusk", negative_prompt: "people" },
    ]);
  });

  test("leaves empty texts out", () => {
    const prompts = withAnother(promptsOf("a sea"));
    expect(apiPrompts(prompts)).toEqual([{ prompt: "a sea" }]);
    expect(areEmpty(prompts)).toBe(false);
    expect(areEmpty({ ...withAnother(NO_PROMPTS), negative: "people" })).toBe(true);
  });
});

describe("the form of a stream", () => {
  test("has its texts, weights and negative prompt: what was sent comes back", () => {
    expect(promptsIn({ ...size, prompts: apiPrompts(sea) })).toEqual(sea);
  });

  test("joins negative prompts that differ", () => {
    const prompts = [
      { prompt: "a", negative_prompt: "x" },
      { prompt: "b", negative_prompt: "y" },
      { prompt: "c", negative_prompt: "x" },
    ];
    expect(promptsIn({ ...size, prompts }).negative).toBe("x, y");
  });

  test("is empty without prompts, and for graphs", () => {
    expect(promptsIn(size)).toEqual(NO_PROMPTS);
    const graph = { "1": { class_type: "EmptyImage", inputs: {} } };
    expect(promptsIn({ ...size, prompts: [graph] })).toEqual(NO_PROMPTS);
  });
});

test("texts are changed, added and removed; the last one that remains counts in full", () => {
  const two = withPatch(withAnother(promptsOf("a")), 1, { text: "b", weight: 0.25 });
  expect(two.texts).toEqual([
    { text: "a", weight: 1 },
    { text: "b", weight: 0.25 },
  ]);
  expect(without(two, 0).texts).toEqual([{ text: "b", weight: 1 }]);
  expect(without(promptsOf("a"), 0).texts).toEqual(NO_PROMPTS.texts);
});

test("a stream is named by its texts, or by the size of its graph", () => {
  expect(promptTitle({ ...size, prompts: [{ prompt: "a cat" }, { prompt: "oil" }] })).toBe(
    "a cat + oil",
  );
  const graph = { "1": { class_type: "EmptyImage", inputs: {} } };
  expect(promptTitle({ ...size, prompts: [graph] })).toBe("ComfyUI graph of 1 node");
  expect(promptTitle({ ...size, prompts: [] })).toBeUndefined();
  expect(promptTitle(size)).toBeUndefined();
});
