import { describe, expect, test } from "bun:test";
import { parseDevice } from "../../../../../src/engine/device/devices.ts";
import { executionOrder } from "../../../../../src/engine/graph/execution-order.ts";
import { namedFiles } from "../../../../../src/engine/graph/graph-files.ts";
import { link } from "../../../../../src/engine/graph/input-declaration.ts";
import { byName, type NodeClass } from "../../../../../src/engine/graph/node-class.ts";
import { NODE_CLASSES } from "../../../../../src/engine/graph/node-classes.ts";
import { parseGraph } from "../../../../../src/engine/graph/read-graph.ts";
import { GraphRun, type GraphRunOptions } from "../../../../../src/engine/graph/run/graph-run.ts";
import { ImageSessions } from "../../../../../src/engine/graph/run/image-sessions.ts";
import { ModelParts } from "../../../../../src/engine/graph/run/model-parts.ts";
import { type GraphResult, output } from "../../../../../src/engine/graph/run/node-runner.ts";
import type { Images } from "../../../../../src/engine/graph/run/values.ts";
import { validate } from "../../../../../src/engine/graph/validate.ts";

const files = namedFiles({
  checkpoint: ["absent"],
  depth_model: ["absent"],
  latent: ["ones.latent"],
});

/** Prompts without a text encoder, and ends for what only samplers take. */
const testClasses: readonly NodeClass[] = [
  {
    name: "TestPrompt",
    category: "test",
    inputs: {},
    outputs: ["CONDITIONING"],
    run() {
      const conditioning = {
        embeddings: new Float32Array(77),
        tokens: 77,
        width: 1,
        pooled: null,
      };
      return [output("CONDITIONING", [{ conditioning, strength: 1, range: null }])];
    },
  },
  sink("TestPromptSink", "prompt", "CONDITIONING"),
  sink("TestSigmasSink", "sigmas", "SIGMAS"),
];

function sink(name: string, input: string, type: "CONDITIONING" | "SIGMAS"): NodeClass {
  const inputs = { [input]: link(type) };
  return { name, category: "test", inputs, outputs: [], isOutput: true, run: () => [] };
}

/** Runs graphs and counts how often each class ran. */
function bench(more: Partial<GraphRunOptions> = {}) {
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
  const classes = byName([...NODE_CLASSES.values(), ...testClasses].map(counted));
  const options: GraphRunOptions = {
    models: new ModelParts(() => null, parseDevice("cpu").settings),
    images: new ImageSessions(parseDevice("cpu").settings),
    edges: {
      loadImage: (name) => Promise.reject(new Error(`${name} is not there`)),
      loadLatent: (name) => Promise.reject(new Error(`${name} is not there`)),
      emit: (result) => results.push(result),
    },
    ...more,
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
  batch: 1,
  height: 2,
  width: 2,
  channels: 3,
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
      LoadTensor: 2,
      SaveTensor: 2,
      EmptyLatentImage: 1,
      LatentMultiply: 1,
      SaveLatent: 2,
    });
    const pictures = results.flatMap((result) => (result.kind === "images" ? [result] : []));
    expect(pictures.map(({ images }) => images.data[0])).toEqual([0, 1]);
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

  test("LatentBlend blends a single latent with each of several", async () => {
    const { results, prepare } = bench();
    const blend = { samples1: ["1", 0], samples2: ["2", 0], blend_factor: 0.5 };
    const run = prepare({
      1: empty(64),
      2: node("EmptyLatentImage", { width: 64, height: 128, batch_size: 3 }),
      3: node("LatentBlend", blend),
      4: node("SaveLatent", { samples: ["3", 0], filename_prefix: "x" }),
    });
    await run.run();
    const [result] = results;
    expect(result?.kind === "latent" && result.latent.shape).toEqual([3, 4, 8, 8]);
    expect(result?.kind === "latent" && result.latent.samples).toHaveLength(3 * 4 * 8 * 8);
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
    ["EmptyLatentImage", { width: 16384, height: 16384, batch_size: 1 }],
    ["EmptyLatentImage", { width: 64, height: 64, batch_size: 65 }],
    ["EmptyLatentImage", { width: 4104, height: 4096, batch_size: 1 }],
    ["LatentBatch", { samples1: ["7", 0], samples2: ["8", 0] }],
    ["RepeatLatentBatch", { samples: ["8", 0], amount: 64 }],
    ["LatentUpscaleBy", { samples: ["8", 0], upscale_method: "bilinear", scale_by: 8 }],
    [
      "LatentUpscale",
      { samples: ["8", 0], upscale_method: "area", width: 16384, height: 16384, crop: "disabled" },
    ],
  ])("%s refuses a latent that is too large before it takes memory", async (name, inputs) => {
    const run = bench().prepare({
      7: node("EmptyLatentImage", { width: 2048, height: 2048, batch_size: 4 }),
      8: node("EmptyLatentImage", { width: 2048, height: 1024, batch_size: 2 }),
      9: node(name, inputs),
      5: node("SaveLatent", { samples: ["9", 0], filename_prefix: "x" }),
    });
    await expect(run.run()).rejects.toThrow(`node 9 (${name}): would give latents of`);
  });

  test("a latent may be as large as the largest stream, or a batch of smaller ones", async () => {
    const { results, prepare } = bench();
    const run = prepare({
      1: node("EmptyLatentImage", { width: 4096, height: 4096, batch_size: 1 }),
      2: node("SaveLatent", { samples: ["1", 0], filename_prefix: "x" }),
      3: node("EmptyLatentImage", { width: 512, height: 512, batch_size: 64 }),
      4: node("SaveLatent", { samples: ["3", 0], filename_prefix: "x" }),
    });
    await run.run();
    expect(results).toHaveLength(2);
  });

  test.each([
    ["ConditioningCombine", { conditioning_1: ["P", 0], conditioning_2: ["P", 0] }, "128 prompts"],
    [
      "ConditioningConcat",
      { conditioning_to: ["P", 0], conditioning_from: ["P", 0] },
      "19712 tokens",
    ],
  ])(
    "%s that doubles prompts again and again is refused where it is too much",
    async (name, inputs, much) => {
      const { counts, prepare } = bench();
      const doubled = Array.from({ length: 30 }, (_, at) => {
        const links = JSON.parse(JSON.stringify(inputs).replaceAll('"P"', `"${at}"`)) as object;
        return [at + 1, node(name, links)] as const;
      });
      const run = prepare({
        0: node("TestPrompt", {}),
        ...Object.fromEntries(doubled),
        99: node("TestPromptSink", { prompt: ["30", 0] }),
      });
      await expect(run.run()).rejects.toThrow(`(${name}): would give ${much}; at most`);
      expect(counts[name]).toBeLessThan(9);
    },
  );

  test("sigmas that are extended again and again are refused where they are too many", async () => {
    const karras = { steps: 1000, sigma_max: 14, sigma_min: 0.03, rho: 7 };
    const extend = { steps: 100, start_at_sigma: -1, end_at_sigma: 0, spacing: "linear" };
    const run = bench().prepare({
      1: node("KarrasScheduler", karras),
      2: node("ExtendIntermediateSigmas", { ...extend, sigmas: ["1", 0] }),
      3: node("TestSigmasSink", { sigmas: ["2", 0] }),
    });
    await expect(run.run()).rejects.toThrow(
      "node 2 (ExtendIntermediateSigmas): would give 100000 steps; at most 10000",
    );
  });

  test("LatentCrop counts from the end of a latent that is less than eight places high", async () => {
    const { results, prepare } = bench();
    const crop = { samples: ["1", 0], width: 64, height: 64, x: 0, y: 64 };
    const run = prepare({
      1: node("EmptyLatentImage", { width: 80, height: 48, batch_size: 1 }),
      2: node("LatentCrop", crop),
      3: node("SaveLatent", { samples: ["2", 0], filename_prefix: "x" }),
    });
    await run.run();
    const [result] = results;
    expect(result?.kind === "latent" && result.latent.shape).toEqual([1, 4, 2, 8]);
  });

  test("LatentComposite's soft edge begins again where it is longer than what it softens", async () => {
    const shape = [1, 1, 2, 1] as const;
    const { results, prepare } = bench({
      edges: {
        loadImage: () => Promise.reject(new Error("there are no pictures")),
        loadLatent: async () => ({ samples: Float32Array.of(1, 1), shape }),
        emit: (result) => results.push(result),
      },
    });
    const run = prepare({
      1: node("LatentMultiply", { samples: ["4", 0], multiplier: 0 }),
      2: node("LoadLatent", { latent: "ones.latent" }),
      3: node("LatentComposite", {
        samples_to: ["1", 0],
        samples_from: ["2", 0],
        x: 0,
        y: 8,
        feather: 48,
      }),
      4: node("LatentUpscaleBy", { samples: ["2", 0], upscale_method: "area", scale_by: 2 }),
      5: node("SaveLatent", { samples: ["3", 0], filename_prefix: "x" }),
    });
    await run.run();
    const [result] = results;
    if (result?.kind !== "latent") throw new Error("the graph saved no latent");
    // Of 4x2: rows 1 and 2 of the first column are covered; it does not reach the right edge, where one column fades.
    const rows = [(1 / 6) * (2 / 6) * (4 / 6), (2 / 6) * (1 / 6)].map((weight) => weight / 6);
    const wanted = [0, 0, rows[0], 0, rows[1], 0, 0, 0].map((value) =>
      expect.closeTo(value ?? 0, 6),
    );
    expect([...result.latent.samples]).toEqual(wanted);
  });

  test("a graph whose values take too much memory ends at the node that is too much", async () => {
    const { counts, prepare } = bench({ maxValueBytes: 2 * 8 * 8 * 4 * 4 });
    const doubled = (id: number) =>
      node("LatentMultiply", { samples: [String(id), 0], multiplier: 2 });
    const run = prepare({
      1: empty(64),
      3: doubled(1),
      4: doubled(3),
      5: node("SaveLatent", { samples: ["4", 0], filename_prefix: "x" }),
    });
    await expect(run.run()).rejects.toThrow(/^node 4 \(LatentMultiply\): with what it gives/);
    expect(counts["SaveLatent"]).toBeUndefined();
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
