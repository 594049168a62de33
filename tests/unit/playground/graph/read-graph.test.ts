/** Tests how the page reads the text of a graph, right or wrong, and changes single values in it. */
import { describe, expect, test } from "bun:test";
import {
  looksLikeGraph,
  readGraph,
  withInput,
  withoutRequest,
} from "../../../../src/playground/graph/read-graph.ts";

const GRAPH = `{
  "3": {
    "class_type": "KSampler",
    "inputs": { "seed": 18446744073709551615, "cfg": 8.0, "model": ["4", 0] },
    "_meta": { "title": "Mine" }
  },
  "6": { "class_type": "CLIPTextEncode", "inputs": { "text": "a \\"red\\" fox", "on": true, "x": null } }
}`;

describe("a graph", () => {
  const { fault, nodes } = readGraph(GRAPH);

  test("has its nodes with class, title and the kind of each input", () => {
    expect(fault).toBeNull();
    expect(nodes).toMatchObject([
      { place: 0, id: "3", className: "KSampler", title: "Mine" },
      { place: 0, id: "6", className: "CLIPTextEncode", title: "" },
    ]);
    const inputs = nodes.flatMap((node) => node.inputs.map(({ name, kind }) => [name, kind]));
    expect(Object.fromEntries(inputs)).toEqual({
      seed: "number",
      cfg: "number",
      model: "link",
      text: "text",
      on: "switch",
      x: "other",
    });
  });

  test("keeps numbers as they are written, and has texts as they are meant", () => {
    const [sampler, encode] = nodes;
    expect(sampler?.inputs.map(({ value }) => value)).toEqual([
      "18446744073709551615",
      "8.0",
      '["4", 0]',
    ]);
    expect(encode?.inputs[0]?.value).toBe('a "red" fox');
  });

  test("changes in one value, and nowhere else", () => {
    const input = nodes[1]?.inputs[0];
    if (input === undefined) throw new Error("it has a text");
    const changed = withInput(GRAPH, input, JSON.stringify("a\nwolf"));
    expect(changed).toBe(GRAPH.replace('"a \\"red\\" fox"', '"a\\nwolf"'));
    expect(readGraph(changed).nodes[1]?.inputs[0]?.value).toBe("a\nwolf");
  });

  test("may come in a list: each node knows its graph", () => {
    const { fault: none, nodes: both } = readGraph(
      '[{"1": {"class_type": "A"}}, {"1": {"class_type": "B"}}]',
    );
    expect(none).toBeNull();
    expect(both.map(({ place, id, className }) => [place, id, className])).toEqual([
      [0, "1", "A"],
      [1, "1", "B"],
    ]);
  });

  test("of two nodes with one id the last counts, as for the server", () => {
    const { nodes: one } = readGraph('{"1": {"class_type": "A"}, "1": {"class_type": "B"}}');
    expect(one.map(({ className }) => className)).toEqual(["B"]);
  });
});

describe("a text that is not valid JSON", () => {
  test.each([
    ['{\n "1": {"class_type": "A"\n "inputs": {}}}', 3, 2, "a comma is missing"],
    ['{"1": {"class_type": "A", }}', 1, 27, "remove the comma"],
    ['{"1": ', 1, 7, "a value is missing"],
    ['{"1" 2}', 1, 6, "a colon is missing"],
    ['{"1": "a}', 1, 7, "the closing quote is missing"],
    ['{"1": {}', 1, 9, "a } is missing"],
    ["{} x", 1, 4, "not valid JSON"],
    ["{} {}", 1, 4, "ended before this"],
    ["// my graph\n{}", 1, 1, "no comments"],
    ["{'a': 1}", 1, 2, "double quotes only"],
    ['{"a": NaN}', 1, 7, "JSON has no NaN"],
  ])("%j is told where and why", (text, line, column, why) => {
    expect(() => JSON.parse(text)).toThrow();
    const { fault } = readGraph(text);
    expect(fault?.kind).toBe("syntax");
    expect(fault?.message).toStartWith(`Line ${line}, column ${column}: `);
    expect(fault?.message).toContain(why);
  });

  test("still shows the nodes that can be read", () => {
    expect(readGraph('{"1": {"class_type": "A"}, "2": {').nodes[0]).toMatchObject({ id: "1" });
  });

  test("may nest without end", () => {
    expect(readGraph("[".repeat(200_000)).fault).not.toBeNull();
  });
});

describe("what is not a graph in API format", () => {
  test("is explained if it is a workflow of ComfyUI's page", () => {
    const { fault } = readGraph('{"last_node_id": 1, "nodes": [{"id": 1}], "links": []}');
    expect(fault?.kind).toBe("format");
    expect(fault?.message).toContain("Workflow > Export (API)");
  });

  test.each(["5", '"text"', "[]", "[1]", "null"])("is refused: %s", (text) => {
    expect(readGraph(text).fault?.kind).toBe("format");
  });

  test("is no fault where there is nothing yet", () => {
    expect(readGraph(" \n").fault?.kind).toBe("empty");
  });
});

describe("a request with a graph", () => {
  const request = (name: string, value: string) =>
    `{\n  "client_id": "x",\n  "${name}": ${value}\n}`;

  test.each(["prompt", "prompts"])("has its nodes, at their places in the text: %s", (name) => {
    const text = request(name, GRAPH);
    const { fault, nodes, graphs } = readGraph(text);
    expect(fault).toBeNull();
    expect(nodes.map(({ id }) => id)).toEqual(["3", "6"]);
    expect(graphs.map(({ offset, length }) => text.slice(offset, offset + length))).toEqual([
      GRAPH,
    ]);
    expect(looksLikeGraph(text)).toBe(true);
  });

  test("is left out around the graph, or the list of graphs", () => {
    const indented = GRAPH.replaceAll("\n", "\n  ");
    expect(withoutRequest(request("prompt", indented))).toBe(GRAPH);
    expect(withoutRequest(request("prompts", `[${GRAPH}]`))).toBe(`[${GRAPH}]`);
  });

  test("may have the graph as JSON in a string", () => {
    const text = request("prompts", JSON.stringify(GRAPH));
    expect(looksLikeGraph(text)).toBe(true);
    expect(withoutRequest(text)).toBe(GRAPH);
  });

  test("is no graph whose node is called prompt", () => {
    const text = '{"prompt": {"class_type": "A"}}';
    expect(readGraph(text).nodes.map(({ id }) => id)).toEqual(["prompt"]);
    expect(withoutRequest(text)).toBe(text);
  });

  test("with a workflow of ComfyUI's page is told how to export the other", () => {
    const { fault } = readGraph('{"prompt": {"nodes": [], "links": []}}');
    expect(fault?.message).toContain("Workflow > Export (API)");
  });
});

test("a pasted text is taken for a graph if it has classes, or if it is a workflow of the page", () => {
  expect(looksLikeGraph(GRAPH)).toBe(true);
  expect(looksLikeGraph(` [${GRAPH}]`)).toBe(true);
  expect(looksLikeGraph('{"nodes": [], "links": []}')).toBe(true);
  expect(looksLikeGraph(GRAPH.slice(0, -2))).toBe(true); // it will be told what is missing
  for (const text of [
    "a red fox",
    "[a red fox]",
    "{}",
    '{"prompt": "x"}',
    '{"prompts": [{"prompt": "x"}]}',
    "",
    "{fox:1.2}",
  ])
    expect(looksLikeGraph(text)).toBe(false);
});
