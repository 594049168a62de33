import { describe, expect, test } from "bun:test";
import {
  classesOf,
  runnableGraph,
  serverGraph,
  triedGraph,
} from "../../../../src/engine/comfyui-server/server-graph.ts";
import { parseGraph } from "../../../../src/engine/graph/read-graph.ts";
import { exactJson } from "../../../../src/raw-json.ts";

const STREAM = { kind: "stream", hasInput: true } as const;

const GRAPH = {
  "1": { class_type: "PrimaryInputLoadImage", inputs: { image: "example.png" } },
  "2": { class_type: "Reroute", inputs: { "": ["1", 0] } },
  "3": { class_type: "FaceMeshNode", inputs: { image: ["2", 0] }, _meta: { title: "Mesh" } },
  "4": { class_type: "SaveImage", inputs: { images: ["3", 0], filename_prefix: "x" } },
  "5": { class_type: "SaveAnimatedWEBP", inputs: { images: ["3", 0], fps: 6 } },
  "6": { class_type: "SaveTextTensor", inputs: { data: ["3", 1] } },
};

const sent = (graph: object) => parseGraph(JSON.stringify(graph));
const graph = serverGraph(sent(GRAPH), STREAM, () => false);

describe("a graph for ComfyUI", () => {
  test("has stock nodes at its edge, and its links go past reroutes", () => {
    expect(runnableGraph(graph, "folder/frame.png", "SaveImageWebsocket")).toEqual({
      "1": { class_type: "LoadImage", inputs: { image: "folder/frame.png" } },
      "3": { class_type: "FaceMeshNode", inputs: { image: ["1", 0] } },
      "4": { class_type: "SaveImageWebsocket", inputs: { images: ["3", 0] } },
      "5": { class_type: "SaveAnimatedWEBP", inputs: { images: ["3", 0], fps: 6 } },
      "6": { class_type: "PreviewAny", inputs: { source: ["3", 1] } },
    });
  });

  test("needs the classes that are not replaced", () => {
    expect(classesOf(graph)).toEqual(
      new Map([
        ["FaceMeshNode", ["3"]],
        ["SaveAnimatedWEBP", ["5"]],
      ]),
    );
  });

  test("is tried with what its outputs need, and outputs that lack an input", () => {
    expect(triedGraph(graph, "frame.png")).toEqual({
      "1": { class_type: "LoadImage", inputs: { image: "frame.png" } },
      "3": { class_type: "FaceMeshNode", inputs: { image: ["1", 0] } },
      "4": { class_type: "SaveImage", inputs: { images: ["3", 0] } },
      "6": { class_type: "SaveImage", inputs: { filename_prefix: ["3", 1] } },
    });
  });
});

describe("the only LoadImage", () => {
  const loading = sent({
    "1": { class_type: "LoadImage", inputs: { image: "here.png" } },
    "2": { class_type: "PreviewImage", inputs: { images: ["1", 0] } },
  });
  const liveIn = (kind: "stream" | "picture", hasInput: boolean, isThere: boolean) =>
    serverGraph(loading, { kind, hasInput }, () => isThere).live;

  test("gives the video of a stream", () => {
    expect(liveIn("stream", true, true)).toEqual(["1"]);
  });

  test("gives the request's picture where ComfyUI does not have its file", () => {
    expect(liveIn("picture", true, false)).toEqual(["1"]);
    expect(liveIn("picture", true, true)).toEqual([]);
    expect(liveIn("picture", false, false)).toEqual([]);
  });
});

test("integers beyond 2^53 stay exact", () => {
  const seed = "18446744073709551615";
  const [node] = parseGraph(`{"1": {"class_type": "A", "inputs": {"seed": ${seed}}}}`).values();
  expect(exactJson(node?.inputs)).toBe(`{"seed":${seed}}`);
});
