/** Where the video goes into a graph, and what becomes of reroutes. */
import { expect, test } from "bun:test";
import type { Graph } from "../../../../src/engine/graph/graph.ts";
import { NODE_CLASSES } from "../../../../src/engine/graph/node-classes.ts";
import { readGraph } from "../../../../src/engine/graph/read-graph.ts";
import { forPicture, forStream, withoutPageNodes } from "../../../../src/engine/graph/rewrite.ts";
import { validate } from "../../../../src/engine/graph/validate.ts";
import { blurred, FILES, judged, messages } from "./graphs.ts";

const classes = (graph: Graph): Record<string, string | null> =>
  Object.fromEntries([...graph].map(([id, { className }]) => [id, className]));

const load = (image: string) => ({ class_type: "LoadImage", inputs: { image } });
const primary = { class_type: "PrimaryInputLoadImage", inputs: { image: "absent.png" } };

test("in a stream the only LoadImage is the video, and what is saved is the stream's picture", () => {
  const graph = readGraph({
    ...blurred(),
    "4": { class_type: "PreviewImage", inputs: { images: ["1", 0] } },
  });
  const rewritten = forStream(graph);
  expect(classes(rewritten)).toEqual({
    "1": "LoadTensor",
    "2": "ImageBlur",
    "3": "SaveTensor",
    "4": "SaveTensor",
  });
  expect(rewritten.get("1")).toMatchObject({ inputs: {}, rewrittenFrom: "LoadImage" });
  expect(rewritten.get("3")?.inputs).toEqual({ images: ["2", 0], filename_prefix: "blurred" });
  expect(classes(graph)["1"]).toBe("LoadImage"); // a new graph is made
});

test("of two LoadImage none is the video", () => {
  const graph = readGraph({ ...blurred(), "4": load("example.png") });
  expect(classes(forStream(graph))).toMatchObject({ "1": "LoadImage", "4": "LoadImage" });
});

test("every PrimaryInputLoadImage is the video; beside one, LoadImage stays", () => {
  const graph = readGraph({ ...blurred(), "4": primary, "5": primary });
  expect(classes(forStream(graph))).toMatchObject({
    "1": "LoadImage",
    "4": "LoadTensor",
    "5": "LoadTensor",
  });
});

test("for one picture, the only LoadImage gives way if its file is absent, and saving stays", () => {
  const absent = readGraph({ ...blurred(), "1": load("absent.png") });
  expect(classes(forPicture(absent, FILES))).toEqual({
    "1": "LoadTensor",
    "2": "ImageBlur",
    "3": "SaveImage",
  });
  expect(classes(forPicture(readGraph(blurred()), FILES))["1"]).toBe("LoadImage");
  const both = readGraph({ ...blurred(), "4": primary });
  expect(classes(forPicture(both, FILES))).toMatchObject({ "1": "LoadImage", "4": "LoadTensor" });
});

test("links skip reroutes, also several in a row", () => {
  const graph = withoutPageNodes(
    readGraph({
      ...blurred({ image: ["6", 0] }),
      "5": { class_type: "Reroute", inputs: { "": ["1", 0] } },
      "6": { class_type: "Reroute", inputs: { "": ["5", 0] } },
      "7": { class_type: "ImageInvert", inputs: { image: ["5", 0] } },
    }),
  );
  expect(graph.get("2")?.inputs["image"]).toEqual(["1", 0]);
  expect(graph.get("7")?.inputs["image"]).toEqual(["1", 0]);
});

test("reroutes in a circle, or from nowhere, are faults", () => {
  const reroute = (from: unknown) => ({
    class_type: "Reroute",
    inputs: from === null ? {} : { "": from },
  });
  const circle = {
    ...blurred({ image: ["5", 0] }),
    "5": reroute(["6", 0]),
    "6": reroute(["5", 0]),
  };
  const resolved = Object.fromEntries(
    withoutPageNodes(readGraph(circle))
      .entries()
      .map(([id, { className, inputs }]) => [id, { class_type: className, inputs }]),
  );
  expect(messages(judged(resolved))[0]).toContain("(Reroute) needs itself");
  const nowhere = { ...blurred({ image: ["5", 0] }), "5": reroute(null) };
  expect(messages(judged(nowhere))[0]).toStartWith("node 5 (Reroute): its input is missing");
});

test("notes are left out, wherever they stand", () => {
  const noted = readGraph({
    ...blurred(),
    "8": { class_type: "Note", inputs: { text: "a comment" } },
    "9": { class_type: "MarkdownNote", inputs: {} },
  });
  expect([...withoutPageNodes(noted).keys()]).toEqual(["1", "2", "3"]);
});

test("a graph without reroutes and notes stays as it is", () => {
  const graph = readGraph(blurred());
  expect(withoutPageNodes(graph)).toBe(graph);
});

test("messages about a rewritten node name the class that its author wrote", () => {
  const graph = readGraph({ ...blurred(), "3": { class_type: "SaveImage", inputs: {} } });
  const { problems } = validate(forStream(graph), { classes: NODE_CLASSES, files: FILES });
  expect(problems[0]?.message).toStartWith(
    "node 3 (SaveImage, run as SaveTensor): images is missing",
  );
});
