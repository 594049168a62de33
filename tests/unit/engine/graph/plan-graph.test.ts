/** What is said of graphs that cannot run, problem by problem. */
import { expect, test } from "bun:test";
import { byName, type NodeClass } from "../../../../src/engine/graph/node-class.ts";
import { NODE_CLASSES } from "../../../../src/engine/graph/node-classes.ts";
import { planGraph, planGraphs } from "../../../../src/engine/graph/plan-graph.ts";
import { LacksNodes } from "../../../../src/engine/graph/refusal.ts";
import type { GraphUse } from "../../../../src/engine/protocol/work.ts";
import { WorkerError } from "../../../../src/errors.ts";
import { blurred, FILES } from "./graphs.ts";

const STREAM: GraphUse = { kind: "stream", hasInput: true };
const WITHOUT_VIDEO: GraphUse = { kind: "stream", hasInput: false };

/** A class that is known, and that nothing runs. */
const known: NodeClass = { name: "KnownOnly", category: "", inputs: {}, outputs: ["IMAGE"] };
const CLASSES = byName([...NODE_CLASSES.values(), known]);

/** The error of a graph that is not planned. */
const refusalOf = (graph: unknown, { field = "prompts", use = STREAM } = {}): WorkerError =>
  errorOf(() => planGraph(JSON.stringify(graph), use, { files: FILES, classes: CLASSES, field }));

function errorOf(plan: () => unknown): WorkerError {
  try {
    plan();
  } catch (error) {
    if (error instanceof WorkerError) return error;
    throw error;
  }
  throw new Error("the graph was planned");
}

const INVERT = {
  "1": { class_type: "LoadImage", inputs: { image: "none.png" } },
  "2": { class_type: "ImageInvert", inputs: { image: ["1", 0] } },
  "3": { class_type: "PreviewImage", inputs: { images: ["2", 0] } },
};

test("each problem of an input is an entry with node, class as sent, and input", () => {
  const { kind, message, details } = refusalOf({
    ...blurred({ blur_radius: 99 }),
    "3": { class_type: "SaveImage", inputs: { images: ["4", 0], filename_prefix: "x" } },
    "5": { class_type: "PreviewImage", inputs: { images: ["2", 0] } },
  });
  expect(kind).toBe("invalid_request");
  expect(message).toStartWith("prompts: node 3 (SaveImage, run as SaveTensor): images links to");
  expect(details).toMatchObject([
    { field: "prompts", node: "3", class_type: "SaveImage", input: "images" },
    {
      field: "prompts",
      node: "2",
      class_type: "ImageBlur",
      input: "blur_radius",
      problem: "blur_radius is 99, which is too large: it must be an integer from 1 to 31",
    },
  ]);
});

test("an unknown class, a circle and a node that cannot run are entries of each node at fault", () => {
  const unknown = { class_type: "ImageBlurr", inputs: {} };
  expect(refusalOf({ ...blurred(), "7": unknown, "8": unknown }).details).toMatchObject([
    { node: "7", class_type: "ImageBlurr", problem: expect.stringContaining("did you mean") },
    { node: "8", class_type: "ImageBlurr", problem: expect.stringContaining("did you mean") },
  ]);
  const loop = (from: string) => ({ class_type: "ImageInvert", inputs: { image: [from, 0] } });
  const circle = { ...INVERT, "1": loop("2"), "2": loop("1") };
  expect(
    refusalOf(circle)
      .details.map(({ node }) => node)
      .sort(),
  ).toEqual(["1", "2"]);
  const graph = { ...INVERT, "1": { class_type: "KnownOnly", inputs: {} } };
  expect(refusalOf(graph).details).toMatchObject([
    { node: "1", class_type: "KnownOnly", problem: expect.stringContaining("does not run") },
  ]);
});

test("a reroute from nowhere, or in a circle, is one problem, and no ComfyUI is said to help", () => {
  const reroute = (inputs: object) => ({ class_type: "Reroute", inputs });
  const empty = refusalOf({ ...blurred({ image: ["r", 0] }), r: reroute({}) });
  expect(empty).not.toBeInstanceOf(LacksNodes);
  expect(empty.message).toStartWith("prompts: node r (Reroute): its input is missing");
  const circle = { r: reroute({ "": ["s", 0] }), s: reroute({ "": ["r", 0] }) };
  const looped = refusalOf({ ...blurred({ image: ["r", 0] }), ...circle });
  expect(looped).not.toBeInstanceOf(LacksNodes);
  for (const { message } of [empty, looped]) expect(message).not.toContain("do not run here");
});

test("a graph for the audio of a stream is not sent on to a ComfyUI", () => {
  const audio = refusalOf({
    "1": { class_type: "LoadAudioTensor", inputs: { buffer_size: 500 } },
    "2": { class_type: "AudioTranscriptionNode", inputs: { audio: ["1", 0] } },
    "3": { class_type: "SaveTextTensor", inputs: { data: ["2", 0], remove_linebreaks: true } },
  });
  expect(audio).not.toBeInstanceOf(LacksNodes);
  expect(audio.message).toBe(
    "prompts: node 1 has the class LoadAudioTensor, and the audio of a stream is given to no graph; " +
      "node 2 has the class AudioTranscriptionNode, which is not known here; GET /nodes lists those that are",
  );
});

test("a value where only a link makes sense passes as in ComfyUI, and is refused before it runs", () => {
  const { message, details } = refusalOf(blurred({ image: "example.png" }));
  const problem = 'image must be a link [node id, output index] to an IMAGE, got "example.png"';
  expect(message).toBe(`prompts: node 2 (ImageBlur): ${problem}`);
  expect(details).toMatchObject([{ node: "2", class_type: "ImageBlur", input: "image", problem }]);
});

test("all that is wrong comes at once: values, links, classes, nodes that do not run, a missing video", () => {
  const graph = {
    "1": { class_type: "LoadTensor", inputs: {} },
    "2": { class_type: "ImageBlur", inputs: { image: ["1", 0], blur_radius: 99, sigma: 1 } },
    "3": { class_type: "ImageInvert", inputs: { image: "x" } },
    "4": { class_type: "ImageBatch", inputs: { image1: ["2", 0], image2: ["44", 0] } },
    "5": { class_type: "ImageBatch", inputs: { image1: ["3", 0], image2: ["8", 0] } },
    "6": { class_type: "SaveTensor", inputs: { images: ["4", 0] } },
    "7": { class_type: "SaveTensor", inputs: { images: ["5", 0] } },
    "8": { class_type: "KnownOnly", inputs: {} },
    "9": { class_type: "ImageBlurr", inputs: {} },
    "10": 7,
  };
  const { details } = refusalOf(graph, { use: WITHOUT_VIDEO });
  const places = details.map(({ node, input }) => [node, input].join(" ").trim());
  expect(places.sort()).toEqual(["1", "10", "2 blur_radius", "3 image", "4 image2", "8", "9"]);
});

test("the problems of all graphs of a list come at once", () => {
  const bad = JSON.stringify({ ...INVERT, "2": { class_type: "ImageInvert", inputs: {} } });
  const good = JSON.stringify(blurred());
  const stranger = JSON.stringify({ ...INVERT, "2": { class_type: "ImageInvrt", inputs: {} } });
  const planned = (...graphs: string[]) =>
    errorOf(() => planGraphs(graphs, { kind: "picture", hasInput: true }, FILES));
  const { message, details } = planned(bad, good, "{", bad);
  expect(details.map(({ field, node }) => [field, node])).toEqual([
    ["prompts.0", "2"],
    ["prompts.2", undefined],
    ["prompts.3", "2"],
  ]);
  expect(message).toMatch(/^prompts\.0: .*; prompts\.2: .*; prompts\.3: /);
  const lacking = planned(bad, stranger);
  expect(lacking).toBeInstanceOf(LacksNodes);
  expect(lacking).toMatchObject({ classes: ["ImageInvrt"] });
  expect(lacking.message.match(/COMFYUI_URL/g)).toHaveLength(1);
});

test("in a stream without video the only LoadImage loads its file", () => {
  const plan = (use: GraphUse) =>
    planGraph(JSON.stringify(blurred()), use, { files: FILES }).steps[0]?.node.className;
  expect(plan(WITHOUT_VIDEO)).toBe("LoadImage");
  expect(plan(STREAM)).toBe("LoadTensor");
});

test.each([
  [WITHOUT_VIDEO, "the video, and there is none: give input_url"],
  [{ kind: "picture", hasInput: false } as const, "the picture, and there is none: give image"],
])("a LoadImage whose file is absent has two ways out: %p", (use, what) => {
  const problem = `the only LoadImage stands for ${what}, or put "none.png" in workspace/input`;
  const { message, details } = refusalOf(INVERT, { use });
  expect(message).toBe(`prompts: node 1 (LoadImage): ${problem}`);
  expect(details).toMatchObject([{ node: "1", class_type: "LoadImage", problem }]);
});

test("other nodes that read a video where there is none have the class that was sent", () => {
  const primary = { class_type: "PrimaryInputLoadImage", inputs: { image: "none.png" } };
  const { message } = refusalOf({ ...INVERT, "1": primary }, { use: WITHOUT_VIDEO });
  expect(message).toBe(
    "prompts: there is no video for node 1 (PrimaryInputLoadImage): give input_url, or load a file with LoadImage",
  );
});

test("what is no graph has one entry, what is no node one each", () => {
  expect(refusalOf({}).details).toMatchObject([{ field: "prompts" }]);
  expect(refusalOf({ "1": ["x"], "2": { class_type: 7 } }).details).toMatchObject([
    { field: "prompts", node: "1", problem: expect.stringContaining("must be a node") },
    { field: "prompts", node: "2", problem: expect.stringContaining("class_type must be") },
  ]);
});

test("entries and message name the graph's place in the request, and entries are bounded", () => {
  const faulty = Object.fromEntries(
    Array.from({ length: 300 }, (_, id) => [id, { class_type: "Unheard", inputs: {} }]),
  );
  const { details, message } = refusalOf(faulty, { field: "prompts.1" });
  expect(message).toStartWith("prompts.1: ");
  expect(details).toHaveLength(100);
  expect(details[0]?.field).toBe("prompts.1");
});
