import { expect, test } from "bun:test";
import { findGraphs } from "../../../../src/server/streams/comfyui-graph.ts";

const graph = { "1": { class_type: "LoadImage", inputs: {} } };
const text = JSON.stringify(graph);
const jsonOf = (value: unknown) => findGraphs(value)?.graphs.map((found) => found.graph);
const editor = { nodes: [{ id: 1, type: "LoadImage" }], links: [] };

test.each<[string, unknown, string]>([
  ["an object", graph, text],
  ["text", text, text],
  ["text with space around it", `\n ${text} `, `\n ${text} `],
  ["a list", [graph], text],
  ["text of a list", JSON.stringify([graph]), text],
  ["text of a list of texts", JSON.stringify([text]), text],
  ["the prompt of an object", { prompt: graph }, text],
  ["text as the prompt of an object", { prompt: text }, text],
  ["text as the prompt of an object in a list", [{ prompt: text }], text],
  ["JSON in {graph}", [{ graph: text }], text],
  ["a ComfyUI request", JSON.stringify({ prompt: graph }), text],
  ["the editor's format", editor, JSON.stringify(editor)],
  ["the editor's format as text in a list", [JSON.stringify(editor)], JSON.stringify(editor)],
  ["an object of nodes without classes", { "1": { inputs: {} } }, '{"1":{"inputs":{}}}'],
  ["an object of objects", [{ hello: { x: 1 } }], '{"hello":{"x":1}}'],
  ["text of nodes without classes", '{"1": {"inputs": {}}}', '{"1": {"inputs": {}}}'],
  ["text with a comma too many", text.replace("}}", "},}"), text.replace("}}", "},}")],
  ["text that was cut short", text.slice(0, -3), text.slice(0, -3)],
  ["Python's text of it", "{'1': {'class_type': 'A'}}", "{'1': {'class_type': 'A'}}"],
  [
    "text with a number that is none",
    '[{"1": {"inputs": {"cfg": NaN}}}]',
    '[{"1": {"inputs": {"cfg": NaN}}}]',
  ],
])("a graph as %s is found", (_form, value, found) => {
  expect(findGraphs(value)).toEqual({ graphs: [{ graph: found, beside: {} }], isMixed: false });
});

test.each<[string, unknown, Record<string, unknown>]>([
  ["a prompt object", { prompt: graph, weight: 2 }, { weight: 2 }],
  ["{graph}", [{ graph: text, negative_prompt: "blurry" }], { negative_prompt: "blurry" }],
  [
    "a ComfyUI request in text",
    JSON.stringify({ prompt: graph, client_id: "x" }),
    { client_id: "x" },
  ],
  ["nested objects", { prompt: [{ prompt: graph, weight: 1 }], id: 5 }, { weight: 1, id: 5 }],
])("what stands beside the graph of %s is reported", (_form, value, beside) => {
  expect(findGraphs(value)).toEqual({ graphs: [{ graph: text, beside }], isMixed: false });
});

test("a seed that a number does not hold exactly stays as it was written in text", () => {
  const exact = '{"3":{"class_type":"KSampler","inputs":{"seed":18446744073709551615}}}';
  expect(jsonOf([exact])).toEqual([exact]);
});

test("several graphs keep their order", () => {
  const other = { "2": { class_type: "SaveImage", inputs: {} } };
  expect(jsonOf([graph, other])).toEqual([text, JSON.stringify(other)]);
});

test("texts beside a graph are noticed", () => {
  expect(findGraphs(["a cat", graph])?.isMixed).toBe(true);
  expect(findGraphs([text, { prompt: "a cat" }])?.isMixed).toBe(true);
  expect(findGraphs([{ graph: text }, "a cat"])?.isMixed).toBe(true);
});

test.each<[string, unknown]>([
  ["a text", "a cat"],
  ["a text in brackets", "[cinematic] a cat {masterpiece}"],
  ["a text in braces", "{red|blue} cat, {day|night}"],
  ["a text in brackets that ends in none", "[a cat"],
  ["a text about graphs", 'the word "class_type" on a wall'],
  ["JSON of something else", '{"mood": "calm"}'],
  ["a prompt object", { prompt: "a cat", weight: 2 }],
  ["a list of both", ["a cat", { prompt: "a dog" }]],
  ["nothing", null],
])("%s is none", (_form, value) => {
  expect(findGraphs(value)).toBeNull();
});

test("nesting without end is not followed", () => {
  let value: unknown = graph;
  for (let depth = 0; depth < 50; depth++) value = [value];
  expect(findGraphs(value)).toBeNull();
});
