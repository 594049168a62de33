/** What is read as a graph, and what is said to everything else. */
import { expect, test } from "bun:test";
import {
  MAX_GRAPH_BYTES,
  MAX_GRAPH_NODES,
  parseGraph,
  readGraph,
} from "../../../../src/engine/graph/read-graph.ts";
import { blurred } from "./graphs.ts";

test("nodes are read in their order, with class, inputs and the title that is not the class's own", () => {
  const graph = parseGraph(
    JSON.stringify({
      b: { class_type: "A", inputs: { x: 1 }, _meta: { title: "mine" }, is_changed: ["?"] },
      a: { class_type: "B", _meta: { title: "B" } },
    }),
  );
  expect([...graph.values()]).toEqual([
    { id: "b", className: "A", title: "mine", inputs: { x: 1 }, rewrittenFrom: null, faults: [] },
    {
      id: "a",
      className: "B",
      title: null,
      inputs: {},
      rewrittenFrom: null,
      faults: [{ part: "inputs", problem: "inputs is missing: give an object of inputs by name" }],
    },
  ]);
});

test("a parsed graph is read as its JSON is, and is not changed", () => {
  const value = blurred();
  expect([...readGraph(value)]).toEqual([...parseGraph(JSON.stringify(value))]);
  expect(value).toEqual(blurred());
});

test("the format of ComfyUI's page is refused with the way to export the other", () => {
  const page = { last_node_id: 2, nodes: [{ id: 1, type: "LoadImage" }], links: [], version: 0.4 };
  expect(() => readGraph(page)).toThrow("Workflow > Export (API)");
});

test.each([[[]], ["text"], [5], [null], [undefined]])("%p is no graph", (value) => {
  expect(() => readGraph(value)).toThrow("a graph must be an object of nodes by id");
});

test("a node that cannot be read is kept with what is wrong with it", () => {
  const graph = readGraph({
    "1": ["x"],
    "2": { class_type: 7, inputs: {} },
    "3": { class_type: "ImageInvert", inputs: ["1", 0] },
    "4": { inputs: null },
  });
  const problems = graph.values().map(({ faults }) => faults.map(({ problem }) => problem));
  expect([...problems]).toEqual([
    ['must be a node: an object with class_type and inputs, got ["x"]'],
    ["class_type must be the name of a node class, got 7"],
    ['inputs must be an object of inputs by name, got ["1",0]'],
    [
      "class_type is missing: give the name of a node class",
      "inputs must be an object of inputs by name, got null",
    ],
  ]);
  expect(
    graph
      .values()
      .map(({ className, inputs }) => [className, inputs])
      .toArray(),
  ).toEqual([
    [null, {}],
    [null, {}],
    ["ImageInvert", {}],
    [null, {}],
  ]);
});

test("text that is not JSON is refused with the parser's reason", () => {
  expect(() => parseGraph("{")).toThrow("the graph is not valid JSON: ");
});

test("a graph may have so many nodes and no more", () => {
  const nodes = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [at, { class_type: "X" }]));
  expect(readGraph(nodes(MAX_GRAPH_NODES)).size).toBe(MAX_GRAPH_NODES);
  expect(() => readGraph(nodes(MAX_GRAPH_NODES + 1))).toThrow("has 1001 nodes; at most 1000");
});

test("a graph may be so large and no larger, counted in bytes", () => {
  const of = (text: string) => ({
    "1": { class_type: "PrimitiveString", inputs: { value: text } },
  });
  const room = MAX_GRAPH_BYTES - JSON.stringify(of("")).length;
  expect(readGraph(of("x".repeat(room))).size).toBe(1);
  expect(() => readGraph(of("é".repeat(room)))).toThrow("larger than 256 KiB");
  expect(() => parseGraph(JSON.stringify(of("x".repeat(room + 1))))).toThrow("larger than 256 KiB");
});

test("values that nest without end are refused", () => {
  const depth = MAX_GRAPH_BYTES / 2 - 100;
  expect(() => parseGraph(`{"1": ${"[".repeat(depth)}${"]".repeat(depth)}}`)).toThrow();
  const circle: Record<string, unknown> = { class_type: "X" };
  circle["inputs"] = circle;
  expect(() => readGraph({ "1": circle })).toThrow("the graph cannot be read");
});
