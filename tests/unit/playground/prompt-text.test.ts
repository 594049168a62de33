import { expect, test } from "bun:test";
import { promptText } from "../../../src/playground/prompt-text.ts";

const size = { width: 512, height: 512 };

test("a stream is described by its first prompt, or by its graph as it can be sent again", () => {
  const graph = { "1": { class_type: "EmptyImage", inputs: {} } };
  expect(promptText({ ...size, prompts: [{ prompt: "a cat" }, { prompt: "a dog" }] })).toBe(
    "a cat",
  );
  expect(promptText({ ...size, prompts: [graph] })).toBe(JSON.stringify(graph));
});

test("a stream without prompts has no description", () => {
  expect(promptText({ ...size, prompts: [] })).toBeUndefined();
  expect(promptText(size)).toBeUndefined();
});
