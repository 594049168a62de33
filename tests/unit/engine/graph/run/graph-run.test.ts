import { describe, expect, test } from "bun:test";
import { parseDevice } from "../../../../../src/engine/device/devices.ts";
import { executionOrder } from "../../../../../src/engine/graph/execution-order.ts";
import { namedFiles } from "../../../../../src/engine/graph/graph-files.ts";
import { byName, type NodeClass } from "../../../../../src/engine/graph/node-class.ts";
import { NODE_CLASSES } from "../../../../../src/engine/graph/node-classes.ts";
import { parseGraph } from "../../../../../src/engine/graph/read-graph.ts";
import { GraphRun, type GraphRunOptions } from "../../../../../src/engine/graph/run/graph-run.ts";
import { ImageSessions } from "../../../../../src/engine/graph/run/image-sessions.ts";
import { ModelParts } from "../../../../../src/engine/graph/run/model-parts.ts";
import type { GraphResult } from "../../../../../src/engine/graph/run/node-runner.ts";
import type { Images } from "../../../../../src/engine/graph/run/values.ts";
import { validate } from "../../../../../src/engine/graph/validate.ts";

const files = namedFiles({ checkpoint: ["absent"], depth_model: ["absent"] });

/** Runs graphs and counts how often each class ran. */
function bench() {
  const counts: Record<string, number> = {};
  const results: GraphResult[] = [];
  const counted = (nodeClass: NodeClass): NodeClass => {
    const { name, run } = nodeClass;
    if (run === undefined) return nodeClass;
    return {
      ...nodeClass,
      run(inputs, context) {
        counts[name] = (counts[name] ?? 0) + 1;
        return run(inputs, context);
      },
    };
  };
  const classes = byName([...NODE_CLASSES.values()].map(counted));
  const options: GraphRunOptions = {
    models: new ModelParts(() => null, parseDevice("cpu").settings),
    images: new ImageSessions(parseDevice("cpu").settings),
    edges: {
      loadImage: (name) => Promise.reject(new Error(`${name} is not there`)),
      loadLatent: (name) => Promise.reject(new Error(`${name} is not there`)),
      emit: (result) => results.push(result),
    },
  };
  const prepare = (graph: object, previous?: GraphRun): GraphRun => {
    const validation = validate(parseGraph(JSON.stringify(graph)), { classes, files });
    expect(validation.problems).toEqual([]);
    return new GraphRun(executionOrder(validation), { ...options, ...(previous && { previous }) });
  };
  return { counts, results, prepare };
}

const node = (name: string, inputs: object) => ({ class_type: name, inputs });
const empty = (width: number) => node("EmptyLatentImage", { width, height: 64, batch_size: 1 });
const frame = (value: number): Images => ({
  data: new Float32Array(12).fill(value),
  ...{ batch: 1, height: 2, width: 2, channels: 3 },
});

const live = {
  1: node("LoadTensor", {}),
  2: node("SaveTensor", { images: ["1", 0] }),
  3: empty(64),
  4: node("LatentMultiply", { samples: ["3", 0], multiplier: 2 }),
  5: node("SaveLatent", { samples: ["4", 0], filename_prefix: "x" }),
};

describe("a graph that runs", () => {
  test("what does not depend on the frame runs once, outputs and the rest for every frame", async () => {
    const { counts, results, prepare } = bench();
    const run = prepare(live);
    await run.run({ frame: frame(0) });
    await run.run({ frame: frame(1) });
    expect(counts).toEqual({
      ...{ LoadTensor: 2, SaveTensor: 2, EmptyLatentImage: 1, LatentMultiply: 1, SaveLatent: 2 },
    });
    const pictures = results.flatMap((result) => (result.kind === "images" ? [result] : []));
    expect(pictures.map(({ images, isStream }) => [images.data[0], isStream])).toEqual([
      [0, true],
      [1, true],
    ]);
  });

  test("a changed graph keeps what is the same, also under other ids", async () => {
    const { counts, prepare } = bench();
    const first = prepare(live);
    await first.run({ frame: frame(0) });
    const changed = {
      9: empty(64),
      4: node("LatentMultiply", { samples: ["9", 0], multiplier: 3 }),
      5: node("SaveLatent", { samples: ["4", 0], filename_prefix: "x" }),
    };
    await prepare(changed, first).run();
    expect(counts["EmptyLatentImage"]).toBe(1);
    expect(counts["LatentMultiply"]).toBe(2);
  });

  test("values come through links, integers exactly", async () => {
    const { results, prepare } = bench();
    const run = prepare({
      1: node("PrimitiveString", { value: "one\ntwo" }),
      2: node("SaveTextTensor", { data: ["1", 0] }),
      3: node("PrimitiveInt", { value: 2 }),
      4: node("EmptyLatentImage", { width: 64, height: 64, batch_size: ["3", 0] }),
      5: node("SaveLatent", { samples: ["4", 0], filename_prefix: "x" }),
    });
    await run.run();
    expect(results[0]).toEqual({ kind: "text", node: "2", text: "onetwo" });
    const [, latent] = results;
    expect(latent?.kind === "latent" && latent.latent.shape).toEqual([2, 4, 8, 8]);
  });

  test("a node that fails is named, and runs again the next time", async () => {
    const { counts, prepare } = bench();
    const run = prepare({
      1: node("CheckpointLoaderSimple", { ckpt_name: "absent" }),
      2: node("VAEDecode", { samples: ["3", 0], vae: ["1", 2] }),
      3: empty(64),
      4: node("PreviewImage", { images: ["2", 0] }),
    });
    for (const times of [1, 2]) {
      await expect(run.run()).rejects.toThrow(
        'node 1 (CheckpointLoaderSimple): there is no model "absent"',
      );
      expect(counts["CheckpointLoaderSimple"]).toBe(times);
    }
  });

  test("without video, what needs its frame says so", async () => {
    await expect(bench().prepare(live).run()).rejects.toThrow(
      "node 1 (LoadTensor): there is no video",
    );
  });

  test("a signal stops it between two nodes", async () => {
    const { counts, prepare } = bench();
    const signal = AbortSignal.abort(new Error("a newer graph is there"));
    await expect(prepare(live).run({ frame: frame(0), signal })).rejects.toThrow("a newer graph");
    expect(counts).toEqual({});
  });

  test.each([
    ["EmptyLatentImage", { width: 16384, height: 16384, batch_size: 4096 }],
    ["RepeatLatentBatch", { samples: ["8", 0], amount: 64 }],
    ["LatentUpscaleBy", { samples: ["8", 0], upscale_method: "bilinear", scale_by: 8 }],
    [
      "LatentUpscale",
      { samples: ["8", 0], upscale_method: "area", width: 16384, height: 16384, crop: "disabled" },
    ],
  ])("%s refuses a latent that is too large before it takes memory", async (name, inputs) => {
    const run = bench().prepare({
      8: node("EmptyLatentImage", { width: 2048, height: 1024, batch_size: 2 }),
      9: node(name, inputs),
      5: node("SaveLatent", { samples: ["9", 0], filename_prefix: "x" }),
    });
    await expect(run.run()).rejects.toThrow(`node 9 (${name}): would give`);
  });

  test("nodes that do not run here are named before anything runs", () => {
    const { prepare } = bench();
    const graph = {
      1: node("LoadTensor", {}),
      2: node("Reroute", { "": ["1", 0] }), // links lead around it in every graph that is planned
      3: node("SaveTensor", { images: ["2", 0] }),
    };
    expect(() => prepare(graph)).toThrow("these nodes do not run here: node 2 (Reroute)");
  });
});
