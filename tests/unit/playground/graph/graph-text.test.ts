/** Tests how graphs get from the text of the form into requests, and from streams into the form. */
import { expect, test } from "bun:test";
import {
  apiGraphs,
  graphJson,
  graphTextOf,
  isSameGraph,
} from "../../../../src/playground/graph/graph-text.ts";

const size = { width: 512, height: 512 };
const one = { "1": { class_type: "EmptyImage", inputs: { width: 64, color: 1 } } };
const two = { "2": { class_type: "PreviewImage", inputs: { images: ["1", 0] } } };

test("a graph is sent as its text, so that no number is rounded on the way", () => {
  const text = '{"1": {"class_type": "A", "inputs": {"seed": 18446744073709551615}}}';
  expect(apiGraphs(` ${text}\n`)).toEqual([{ graph: text }]);
});

test("a list of graphs is sent one by one; what cannot be read is not sent", () => {
  expect(apiGraphs(JSON.stringify([one, two]))).toEqual([
    { graph: JSON.stringify(one) },
    { graph: JSON.stringify(two) },
  ]);
  for (const text of ["", "{", "5", '{"nodes": []}']) expect(apiGraphs(text)).toBeNull();
});

test("graphs are sent without the request around them, and no number of a list is rounded", () => {
  const seeded = '{"1": {"class_type": "A", "inputs": {"seed": 18446744073709551615}}}';
  expect(apiGraphs(`{"prompt": ${seeded}, "client_id": "x"}`)).toEqual([{ graph: seeded }]);
  expect(apiGraphs(`[${seeded}, {}]`)).toEqual([{ graph: seeded }, { graph: "{}" }]);
  expect(isSameGraph(`{"prompt": ${seeded}}`, seeded)).toBe(true);
});

test("the graphs of a stream come back as text that is the same", () => {
  const text = graphTextOf({ ...size, prompts: [one] }) ?? "";
  expect(JSON.parse(text)).toEqual(one);
  expect(JSON.parse(graphTextOf({ ...size, prompts: [one, two] }) ?? "")).toEqual([one, two]);
  expect(apiGraphs(text)?.map(({ graph }) => JSON.parse(graph))).toEqual([one]);
  expect(graphTextOf({ ...size, prompts: [{ prompt: "a sea" }] })).toBeUndefined();
  expect(graphTextOf(size)).toBeUndefined();
});

test("texts that differ in white space hold the same graph", () => {
  expect(isSameGraph(JSON.stringify(one), graphJson(one))).toBe(true);
  expect(isSameGraph(JSON.stringify(one), graphJson(two))).toBe(false);
  expect(isSameGraph("{", "{")).toBe(true);
  expect(isSameGraph("{", "{ ")).toBe(false);
});

test("JSON is laid out with a line for each input, and short objects on one", () => {
  const sampler = { class_type: "KSampler", inputs: { seed: 1, sampler_name: "euler_ancestral" } };
  const graph = { "1": { class_type: "VAEDecode", inputs: {} }, "2": sampler };
  expect(graphJson(graph)).toBe(`{
  "1": { "class_type": "VAEDecode", "inputs": {} },
  "2": {
    "class_type": "KSampler",
    "inputs": { "seed": 1, "sampler_name": "euler_ancestral" }
  }
}`);
  for (const value of [graph, [], {}, [graph, {}], "text", 5, null, [1, ["a"]]])
    expect(JSON.parse(graphJson(value))).toEqual(value);
});
