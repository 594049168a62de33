/** Adds node classes, each in one file, as docs/graphs.md shows them, and runs graphs that use them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { namedFiles } from "../../src/engine/graph/graph-files.ts";
import { byName } from "../../src/engine/graph/node-class.ts";
import { NODE_CLASSES } from "../../src/engine/graph/node-classes.ts";
import { runnable } from "../../src/engine/graph/node-support.ts";
import { objectInfo } from "../../src/engine/graph/object-info.ts";
import { planGraph } from "../../src/engine/graph/plan-graph.ts";
import { GraphRun } from "../../src/engine/graph/run/graph-run.ts";
import { ImageSessions } from "../../src/engine/graph/run/image-sessions.ts";
import { ModelParts } from "../../src/engine/graph/run/model-parts.ts";
import type { GraphResult } from "../../src/engine/graph/run/node-runner.ts";
import type { Images } from "../../src/engine/graph/run/values.ts";
import { MeanBrightness } from "../support/nodes/mean-brightness.ts";
import { Posterize } from "../support/nodes/posterize.ts";

const classes = byName([...NODE_CLASSES.values(), Posterize, MeanBrightness]);
const files = namedFiles({});
const { settings } = parseDevice("cpu");

/** The video posterized, and the mean brightness of that as a text. */
const graph = (levels: unknown) =>
  JSON.stringify({
    "1": { class_type: "LoadTensor", inputs: {} },
    "2": { class_type: "Posterize", inputs: { image: ["1", 0], levels } },
    "3": { class_type: "MeanBrightness", inputs: { image: ["2", 0] } },
    "4": { class_type: "SaveTensor", inputs: { images: ["2", 0] } },
    "5": { class_type: "SaveTextTensor", inputs: { data: ["3", 1] } },
  });
const planned = (levels: unknown, known = classes) =>
  planGraph(graph(levels), { kind: "stream", hasInput: true }, { files, classes: known });

describe("a node class of one's own", () => {
  let images: ImageSessions;
  beforeAll(() => {
    images = new ImageSessions(settings);
  });
  afterAll(async () => await images.release());

  const run = async (frame: Images) => {
    const results: GraphResult[] = [];
    const never = () => Promise.reject(new Error("the graph loads no files"));
    const edges = { loadImage: never, loadLatent: never };
    await new GraphRun(planned(3).steps, {
      models: new ModelParts(() => null, settings),
      images,
      edges: { ...edges, emit: (result) => results.push(result) },
    }).run({ frame });
    return results;
  };

  test("computes pictures by its fragment, and other values by its run", async () => {
    const data = Float32Array.of(0, 0.2, 0.3, 0.7, 0.8, 1);
    const [picture, text] = await run({ data, batch: 1, height: 1, width: 2, channels: 3 });
    expect(picture?.kind === "images" && [...picture.images.data]).toEqual([0, 0, 0.5, 0.5, 1, 1]);
    expect(text).toMatchObject({ kind: "text", text: "0.500" });
  });

  test("is judged and listed like all others", () => {
    expect(() => planned(1)).toThrow("node 2 (Posterize): levels is 1, which is too small");
    const info = objectInfo(runnable(classes.values()), files);
    const levels = info["Posterize"]?.input.required["levels"];
    expect(levels).toEqual(["INT", { default: 4, min: 2, max: 256 }]);
    expect(info["MeanBrightness"]?.output_name).toEqual(["mean", "text"]);
  });

  test("is unknown where it is not listed", () => {
    expect(() => planned(3, NODE_CLASSES)).toThrow("the class Posterize, which is not known here");
  });

  test("is shown in the docs as it is", async () => {
    const root = join(import.meta.dir, "../..");
    const docs = await Bun.file(join(root, "docs/graphs.md")).text();
    for (const file of ["posterize.ts", "mean-brightness.ts"]) {
      const source = await Bun.file(join(root, "tests/support/nodes", file)).text();
      // A file of src/engine/graph/nodes/FAMILY is two folders below what it imports.
      const shown = source.replaceAll("../../../src/engine/graph/", "../../");
      expect(docs).toContain(`\`\`\`ts\n${shown}\`\`\``);
    }
  });
});
