/** In which order nodes run, and which of them for every frame. */
import { expect, test } from "bun:test";
import { executionOrder } from "../../../../src/engine/graph/execution-order.ts";
import type { NodeClass } from "../../../../src/engine/graph/node-class.ts";
import { NODE_CLASSES } from "../../../../src/engine/graph/node-classes.ts";
import { runnable, unsupported } from "../../../../src/engine/graph/node-support.ts";
import { parseGraph } from "../../../../src/engine/graph/read-graph.ts";
import { validate } from "../../../../src/engine/graph/validate.ts";
import { FILES, judged, type PlainNode, textToImage } from "./graphs.ts";

/** Text and a loaded picture on one side, the video on the other; both meet in a sampler's picture. */
const GRAPH: Record<string, PlainNode> = {
  save: { class_type: "SaveTensor", inputs: { images: ["blend", 0] } },
  blend: {
    class_type: "ImageBlend",
    inputs: { image1: ["frame", 0], image2: ["still", 0], blend_factor: 0.5, blend_mode: "normal" },
  },
  still: { class_type: "ImageInvert", inputs: { image: ["file", 0] } },
  frame: { class_type: "ImageInvert", inputs: { image: ["video", 0], note: ["unneeded", 0] } },
  video: { class_type: "LoadTensor", inputs: {} },
  file: { class_type: "LoadImage", inputs: { image: "example.png" } },
  unneeded: { class_type: "ImageInvert", inputs: { image: ["file", 0] } },
};

test("a node comes after all that it needs, in the order of its class's inputs; others are left out", () => {
  const ids = executionOrder(judged(GRAPH)).map(({ node }) => node.id);
  expect(ids).toEqual(["video", "frame", "file", "still", "blend", "save"]);
});

test("what needs the video runs for every frame, the rest once", () => {
  const live = executionOrder(judged(GRAPH)).filter(({ isLive }) => isLive);
  expect(live.map(({ node }) => node.id)).toEqual(["video", "frame", "blend", "save"]);
});

test("without video nothing is live", () => {
  const steps = executionOrder(judged(textToImage()));
  expect(steps.map(({ node }) => node.id)).toEqual([
    "model",
    "wanted",
    "unwanted",
    "empty",
    "sampler",
    "decode",
    "save",
  ]);
  expect(steps.some(({ isLive }) => isLive)).toBe(false);
});

test("a node that changes by itself makes live what needs it", () => {
  const isSource = ({ id }: { id: string }): boolean => id === "file";
  const live = executionOrder(judged(GRAPH), { isSource }).filter(({ isLive }) => isLive);
  expect(live.map(({ node }) => node.id)).toEqual(["file", "still", "blend", "save"]);
});

test("only what the asked-for outputs need is run, and a shared node once", () => {
  const two = {
    ...GRAPH,
    other: { class_type: "SaveImage", inputs: { images: ["still", 0], filename_prefix: "x" } },
  };
  const { nodes } = judged(two);
  const ids = executionOrder({ nodes, outputs: ["other"] }).map(({ node }) => node.id);
  expect(ids).toEqual(["file", "still", "other"]);
  expect(executionOrder(judged(two))).toHaveLength(7);
});

test("classes without anything that runs them are known, and named", () => {
  const { fragment: _, ...known } = NODE_CLASSES.get("ImageBlend") as NodeClass;
  const classes = new Map([...NODE_CLASSES, [known.name, known]]);
  const graph = parseGraph(JSON.stringify(GRAPH));
  const missing = unsupported(
    executionOrder(validate(graph, { classes, files: FILES })).map(({ node }) => node),
  );
  expect(missing.map(({ className }) => className)).toEqual(["ImageBlend"]);
  const names = runnable(classes.values()).map(({ name }) => name);
  expect(names).toContain("ImageInvert");
  expect(names).not.toContain("ImageBlend");
});
