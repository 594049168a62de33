/** Tests that the graph in a picture of ComfyUI is found, and that other files have none. */
import { expect, test } from "bun:test";
import { graphInPng } from "../../../../src/playground/graph/png-graph.ts";
import { buildPng } from "../../../support/png-builder.ts";

const GRAPH = '{"1": {"class_type": "EmptyImage", "inputs": {}}}';
const textChunk = (keyword: string, text: string) =>
  ["tEXt", [...Buffer.from(`${keyword}\0${text}`, "latin1")]] as const;
const png = (...chunks: (readonly [string, readonly number[]])[]) =>
  buildPng({ width: 1, height: 1, chunks, rows: [[0, 0, 0]] });

test("the graph is the text with ComfyUI's keyword, wherever it is", () => {
  expect(graphInPng(png(textChunk("prompt", GRAPH)))).toBe(GRAPH);
  const others = [textChunk("workflow", '{"nodes": []}'), textChunk("prompt2", "x")];
  expect(graphInPng(png(...others, textChunk("prompt", GRAPH)))).toBe(GRAPH);
});

test("other pictures, cut ones and other files have none", () => {
  expect(graphInPng(png(textChunk("parameters", "a fox")))).toBeNull();
  const whole = png(textChunk("prompt", GRAPH));
  for (let length = 0; length < 40; length++)
    expect(graphInPng(whole.subarray(0, length))).toBeNull();
  expect(graphInPng(new TextEncoder().encode(GRAPH))).toBeNull();
});
