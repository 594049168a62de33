/** Tests which control a node's input gets, where problems are shown, and that the page's own graphs can run. */

import { describe, expect, test } from "bun:test";
import { namedFiles } from "../../../../src/engine/graph/graph-files.ts";
import { NODE_CLASSES } from "../../../../src/engine/graph/node-classes.ts";
import { objectInfo } from "../../../../src/engine/graph/object-info.ts";
import { planGraph } from "../../../../src/engine/graph/plan-graph.ts";
import { exampleGraphs, firstGraph } from "../../../../src/playground/graph/examples.ts";
import { faultsOf, runProblem } from "../../../../src/playground/graph/graph-faults.ts";
import {
  isLively,
  jsonOf,
  type NodeClasses,
  widgetOf,
} from "../../../../src/playground/graph/node-classes.ts";
import { readGraph } from "../../../../src/playground/graph/read-graph.ts";
import { exactJson } from "../../../../src/raw-json.ts";

const FILES = namedFiles({ checkpoint: ["my-pipeline"] });
/** As `GET /nodes` answers. */
const CLASSES: NodeClasses = JSON.parse(exactJson(objectInfo(NODE_CLASSES.values(), FILES)));

const { nodes } = readGraph(`{
  "1": { "class_type": "CheckpointLoaderSimple", "inputs": { "ckpt_name": "x" } },
  "2": { "class_type": "CLIPTextEncode", "inputs": { "text": "fox", "clip": ["1", 1] } },
  "3": { "class_type": "KSampler", "inputs": {
    "seed": 1, "steps": 4, "denoise": 1, "sampler_name": "euler", "model": ["1", 0] } },
  "4": { "class_type": "SamplerCustom", "inputs": { "add_noise": true } },
  "5": { "class_type": "OnnxModel", "inputs": { "model": "m", "strength": 0.5, "style": {} } },
  "6": { "class_type": "SaveImage", "inputs": { "filename_prefix": "x", "images": ["5", 0] } },
  "7": { "class_type": "Unheard", "inputs": { "text": "a", "number": 1 } }
}`);

function widget(id: string, name: string) {
  const node = nodes.find((one) => one.id === id);
  const input = node?.inputs.find((one) => one.name === name);
  if (node === undefined || input === undefined) throw new Error(`${id} has no ${name}`);
  return widgetOf(node, input, CLASSES);
}

describe("an input", () => {
  test("has a control by its type, with the class's range and choices", () => {
    expect(widget("2", "text")).toEqual({ kind: "text" });
    expect(widget("3", "steps")).toMatchObject({ kind: "number", integer: true, min: 1 });
    expect(widget("3", "denoise")).toMatchObject({ kind: "number", integer: false, max: 1 });
    expect(widget("4", "add_noise")).toEqual({ kind: "switch" });
    expect(widget("1", "ckpt_name")).toEqual({ kind: "choice", options: ["my-pipeline"] });
    expect(widget("3", "sampler_name")).toMatchObject({ kind: "choice" });
  });

  test("has none if it is a link, or holds more than one value", () => {
    expect(widget("2", "clip")).toBeNull();
    expect(widget("5", "style")).toBeNull();
  });

  test("of a class that is not known, or that takes any name, has a plain one", () => {
    expect(widget("5", "strength")).toEqual({ kind: "number", integer: false });
    expect(widget("7", "text")).toEqual({ kind: "text" });
  });

  test("is written as JSON: numbers as they were typed", () => {
    expect(jsonOf({ kind: "number", integer: true }, "18446744073709551615")).toBe(
      "18446744073709551615",
    );
    expect(jsonOf({ kind: "text" }, 'a "b"')).toBe('"a \\"b\\""');
    expect(jsonOf({ kind: "switch" }, "true")).toBe("true");
  });
});

test("nodes with prompts and seeds are seen first", () => {
  const lively = nodes.filter((node) => isLively(node, CLASSES)).map(({ id }) => id);
  expect(lively).toEqual(["2", "3", "7"]);
});

test("problems are sorted by node and graph; those of no node here are told on their own", () => {
  const field = "prompts";
  const { byNode, others } = faultsOf(
    [
      { field, problem: "cfg is 200", node: "3", class_type: "KSampler", input: "cfg" },
      { field, problem: "has the class Unheard", node: "7" },
      { field, problem: "the graph is empty" },
      { field: "prompts.1", problem: "text is missing", node: "3", input: "text" },
    ],
    nodes,
  );
  expect(Object.fromEntries(byNode)).toEqual({
    "0/3": [{ input: "cfg", text: "cfg is 200." }],
    "0/7": [{ input: null, text: "Has the class Unheard." }],
  });
  expect(others).toEqual(["The graph is empty.", "Node 3 text is missing."]);
});

test("what fails as it runs is told at its node", () => {
  const problemOf = (error?: string) =>
    faultsOf(runProblem(error), nodes)
      .byNode.get("0/3")
      ?.map(({ text }) => text);
  expect(problemOf("node 3 (KSampler): the model is gone")).toEqual([
    "Cannot run: the model is gone.",
  ]);
  expect(problemOf('node 3 "My (own)" (KSampler, run as X): a: (b)')).toEqual([
    "Cannot run: a: (b).",
  ]);
  for (const error of [undefined, "the input has stopped", "node 33 (KSampler): gone"])
    expect(problemOf(error)).toBeUndefined();
});

describe("the page's own graphs", () => {
  test.each(exampleGraphs(CLASSES))("can run: $name", ({ json, source }) => {
    const use = { kind: "stream", hasInput: source === "video" } as const;
    expect(planGraph(json, use, { files: FILES }).steps.length).toBeGreaterThan(2);
  });

  test("need no models where there are none, and there is a first one for each source", () => {
    const plain = exampleGraphs({});
    expect(plain.map(({ name }) => name)).toEqual(["Sunset", "Inverted", "Soft glow"]);
    expect(firstGraph("none")).toBe(plain[0]?.json ?? "");
    expect(firstGraph("video")).toBe(plain[1]?.json ?? "");
  });
});
