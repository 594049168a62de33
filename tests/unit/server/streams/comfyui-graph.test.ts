import { expect, test } from "bun:test";
import { holdsGraph } from "../../../../src/server/streams/comfyui-graph.ts";

const graph = { "1": { class_type: "LoadImage", inputs: {} } };
const text = JSON.stringify(graph);
const editor = { nodes: [{ id: 1, type: "LoadImage" }], links: [] };

test.each<[string, unknown]>([
  ["an object", graph],
  ["text", text],
  ["text with space around it", `\n ${text} `],
  ["a list of objects", ["a cat", graph]],
  ["text inside a list", ["a cat", text]],
  ["text of a list", JSON.stringify([graph])],
  ["text of a list of texts", JSON.stringify([text])],
  ["the prompt of an object", { prompt: graph }],
  ["text as the prompt of an object", { prompt: text, weight: 1 }],
  ["text as the prompt of an object in a list", [{ prompt: text }]],
  ["the body of a request to ComfyUI, as text", JSON.stringify({ prompt: graph, client_id: "x" })],
  ["the editor's format", editor],
  ["the editor's format as text in a list", [JSON.stringify(editor)]],
])("a graph as %s is recognized", (_form, value) => {
  expect(holdsGraph(value)).toBe(true);
});

test.each<[string, unknown]>([
  ["a text", "a cat"],
  ["a text in brackets", "[cinematic] a cat {masterpiece}"],
  ["a text about graphs", 'the word "class_type" on a wall'],
  ["JSON of something else", '{"mood": "calm"}'],
  ["a prompt object", { prompt: "a cat", weight: 2 }],
  ["a list of both", ["a cat", { prompt: "a dog" }]],
  ["nothing", null],
])("%s is not one", (_form, value) => {
  expect(holdsGraph(value)).toBe(false);
});

test("nesting without end is not followed", () => {
  let value: unknown = graph;
  for (let depth = 0; depth < 50; depth++) value = [value];
  expect(holdsGraph(value)).toBe(false);
});
