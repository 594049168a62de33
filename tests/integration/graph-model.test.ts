/** ComfyUI graphs as what a stream or a picture is drawn by: with real networks, changed while they run. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import { GraphBuilder } from "../../src/engine/models/graph-builder.ts";
import { PlanExecutor } from "../../src/engine/plan/executor.ts";
import { type NativeCalls, UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import { GRAPH_MODEL, type StreamParams } from "../../src/engine/protocol/work.ts";
import type { WorkerError } from "../../src/errors.ts";
import type { Picture } from "../../src/media/picture.ts";
import { ticks } from "../../src/media/time.ts";
import { pictureOf } from "../support/image-files.ts";
import { noisePicture, OnnxWorkspace } from "../support/onnx-workspace.ts";
import { buildPng } from "../support/png-builder.ts";
import { MAIN, startServer } from "../support/server-process.ts";
import { sharedData } from "../support/shared-data.ts";
import { waitFor } from "../support/wait-for.ts";

const golden = sharedData("golden");
const SIZE = { width: 64, height: 64 };

/** A graph that inverts the video, and one that flips it: they need no networks. */
const INVERT = {
  "1": { class_type: "LoadTensor", inputs: {} },
  "2": { class_type: "ImageInvert", inputs: { image: ["1", 0] } },
  "3": { class_type: "SaveTensor", inputs: { images: ["2", 0] } },
};
const HALF = {
  "1": { class_type: "LoadImage", inputs: { image: "example.png" } },
  "2": {
    class_type: "ImageScale",
    inputs: {
      ...{
        image: ["1", 0],
        upscale_method: "nearest-exact",
        width: 32,
        height: 32,
        crop: "disabled",
      },
    },
  },
  "3": { class_type: "PreviewImage", inputs: { images: ["2", 0] } },
};

/** The frame through a model of the workspace. */
const through = (inputs: object) => ({
  "1": { class_type: "LoadTensor", inputs: {} },
  "2": { class_type: "OnnxModel", inputs },
  "3": { class_type: "SaveTensor", inputs: { images: ["2", 0] } },
});

const PICTURE = [1, 3, "H", "W"];

const dimModel = (() => {
  const graph = new GraphBuilder();
  const [x, factor] = [graph.input("x", "float32", PICTURE), graph.input("factor", "float32", [1])];
  graph.output("y", graph.node("Mul", [x, factor]), "float32", PICTURE);
  return graph.build("dim");
})();

const echoModel = (() => {
  const graph = new GraphBuilder();
  const [x, last] = [graph.input("x", "float32", PICTURE), graph.input("last", "float32", PICTURE)];
  graph.output("y", graph.node("Max", [x, last]), "float32", PICTURE);
  return graph.build("echo");
})();

const depthModel = (() => {
  const graph = new GraphBuilder();
  const mean = graph.node("ReduceMean", [graph.input("x", "float32", PICTURE)], {
    ...{ axes: [1n], keepdims: 1n },
  });
  graph.output("depth", mean, "float32", [1, 1, "H", "W"]);
  return graph.build("depth");
})();

/** Multiplies the channels. */
const tintModel = (() => {
  const graph = new GraphBuilder();
  const [x, tone] = [graph.input("x", "float32", PICTURE), graph.input("tone", "float32", [3])];
  const shape = graph.constant("int64", [4], [1, 3, 1, 1]);
  const factors = graph.node("Reshape", [tone, shape]);
  graph.output("y", graph.node("Mul", [x, factors]), "float32", PICTURE);
  return graph.build("tint");
})();

/** The larger of two pictures, sample by sample. */
const largerModel = (() => {
  const graph = new GraphBuilder();
  const [x, other] = [
    graph.input("x", "float32", PICTURE),
    graph.input("other", "float32", PICTURE),
  ];
  graph.output("y", graph.node("Max", [x, other]), "float32", PICTURE);
  return graph.build("larger");
})();

/** A light grey pixel, as a PNG. */
const LIGHT = buildPng({ width: 1, height: 1, rows: [[200, 200, 200]] });

const paramsFor = (...graphs: readonly unknown[]): StreamParams => ({
  ...{ prompts: [], model: GRAPH_MODEL, fit: "cover", paused: false, model_params: {} },
  graphs: graphs.map((graph) => JSON.stringify(graph)),
});

/** An executor as a stream has it, and a frame of noise. */
class GraphStream implements AsyncDisposable {
  readonly frame: Picture = noisePicture(SIZE.width, SIZE.height);
  readonly #converter = new PictureConverter(UNRECORDED_CALLS);
  readonly executor: PlanExecutor;
  #pts = 0;

  constructor(
    host: ModelHost,
    { hasInput = true, calls = UNRECORDED_CALLS }: { hasInput?: boolean; calls?: NativeCalls } = {},
  ) {
    const [converter, signal] = [this.#converter, new AbortController().signal];
    this.executor = new PlanExecutor({
      ...{ host, converter, signal, hasInput, key: "stream", calls },
    });
  }

  /** What is drawn for the frame. */
  async draw(params: StreamParams): Promise<Picture> {
    const frame = await this.#converter.toFrame(this.frame, SIZE, "stretch");
    try {
      const job = { frame, pts: ticks(this.#pts++ * 3000), size: SIZE, params };
      return (await this.executor.draw(job)).picture;
    } finally {
      frame.free();
    }
  }

  /** The frame as models get it: it has been through 4:2:0. */
  async plain(): Promise<Picture> {
    const frame = await this.#converter.toFrame(this.frame, SIZE, "stretch");
    try {
      return await this.#converter.toPicture(frame, SIZE, "stretch");
    } finally {
      frame.free();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.executor[Symbol.dispose]();
    this.#converter[Symbol.dispose]();
  }
}

describe("a stream with graphs", () => {
  let workspace: OnnxWorkspace;
  let host: ModelHost;
  beforeAll(async () => {
    workspace = await OnnxWorkspace.create();
    await workspace.add("dim", {}, dimModel);
    await workspace.add("depth", { outputs: { depth: { role: "heat" } } }, depthModel);
    await workspace.add("echo", { inputs: { last: { role: "previous_output" } } }, echoModel);
    const tone = { role: "vector", entries: ["red", "green", "blue"] };
    await workspace.add("tint", { inputs: { tone } }, tintModel);
    const other = { role: "image", name: "other" };
    await workspace.add("larger", { inputs: { other } }, largerModel);
    await workspace.add(
      "shaded",
      { inputs: { other: { role: "image", file: "shade.png" } } },
      largerModel,
    );
    await Bun.write(join(workspace.path, "models/shaded/shade.png"), LIGHT);
    const fed = { role: "from", from: { model: "depth", output: "depth" } };
    await workspace.add("fed", { inputs: { other: fed } }, largerModel);
    await workspace.add("broken", "no JSON");
    host = await workspace.host();
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
    await workspace[Symbol.asyncDispose]();
  });

  test("is drawn by its nodes", async () => {
    await using stream = new GraphStream(host);
    const params = paramsFor(INVERT);
    await stream.executor.prepare(params);
    const { data } = await stream.draw(params);
    const plain = await stream.plain();
    // As SaveImage truncates: 255 · (1 − v / 255) in float32 may lie just below an integer.
    expect(data.every((value, at) => Math.abs(255 - (plain.data[at] ?? 0) - value) <= 1)).toBe(
      true,
    );
    expect(stream.executor.runs(params)).toBe(true);
  });

  test("passes the frame through several of them, one after the other", async () => {
    await using stream = new GraphStream(host);
    const params = paramsFor(INVERT, HALF);
    await stream.executor.prepare(params);
    const { width, height, data } = await stream.draw(params);
    expect({ width, height }).toEqual({ width: 32, height: 32 });
    const plain = await stream.plain();
    // The nearest pixel of each square of four.
    expect(Math.abs(255 - (plain.data[65] ?? 0) - (data[0] ?? 0))).toBeLessThanOrEqual(1);
  });

  test("changes to another graph between two frames, in the same thread if they need the same models", async () => {
    await using stream = new GraphStream(host);
    const [first, second] = [paramsFor(INVERT), paramsFor(HALF)];
    await stream.executor.prepare(first);
    expect((await stream.draw(first)).width).toBe(64);
    const [before] = stream.executor.models;
    await stream.executor.prepare(second);
    expect((await stream.draw(second)).width).toBe(32);
    expect(stream.executor.models[0]).toBe(before as NonNullable<typeof before>);
  });

  test("runs nothing for parameters that leave its graphs as they are", async () => {
    let runs = 0;
    const begin: NativeCalls["begin"] = (name) => {
      if (name === "run") runs++;
      return { [Symbol.dispose]() {} };
    };
    await using stream = new GraphStream(host, { calls: { begin } });
    await stream.executor.prepare(paramsFor(HALF));
    expect(runs).toBe(1); // its trial
    const same = { ...paramsFor(HALF), fit: "contain" } as const;
    await stream.executor.prepare(same);
    expect(runs).toBe(1);
    expect(stream.executor.runs(same)).toBe(true);
  });

  test("keeps its graph when it is asked for one that is wrong, and says what is", async () => {
    await using stream = new GraphStream(host);
    const good = paramsFor(HALF);
    await stream.executor.prepare(good);
    const wrong = paramsFor({
      ...HALF,
      "2": { class_type: "ImageInvert", inputs: { image: ["9", 0] } },
    });
    const { kind, message } = await failureOf(stream.executor.prepare(wrong));
    expect(kind).toBe("invalid_request");
    expect(message).toContain("node 2 (ImageInvert): image links to node");
    expect((await stream.draw(wrong)).width).toBe(32);
    expect(stream.executor.runs(wrong)).toBe(false);
  });

  test("keeps its graph when a node of another fails as it runs, which harms no other stream", async () => {
    await using stream = new GraphStream(host);
    await using other = new GraphStream(host);
    const good = paramsFor(HALF);
    await stream.executor.prepare(good);
    const wrong = paramsFor({
      ...through({}),
      "2": { class_type: "DepthAnythingTensorrt", inputs: { images: ["1", 0], engine: "dim" } },
    });
    const { message } = await failureOf(stream.executor.prepare(wrong));
    expect(message).toContain("node 2 (DepthAnythingTensorrt): the model is no depth model");
    expect((await stream.draw(wrong)).width).toBe(32);
    expect(stream.executor.runs(wrong)).toBe(false);
    const sound = paramsFor(through({ model: "dim", image: ["1", 0], factor: 0.5 }));
    await other.executor.prepare(sound);
    expect((await other.draw(sound)).width).toBe(64);
  });

  test("puts the frame through a model of the workspace, with its parameters", async () => {
    await using stream = new GraphStream(host);
    const params = paramsFor(through({ model: "dim.onnx", image: ["1", 0], factor: 0.25 }));
    await stream.executor.prepare(params);
    const { data } = await stream.draw(params);
    const plain = await stream.plain();
    expect(data.every((value, at) => Math.abs((plain.data[at] ?? 0) / 4 - value) <= 1)).toBe(true);
  });

  test("gives models vectors by entry, and pictures as data URIs or from their folders", async () => {
    await using stream = new GraphStream(host);
    const plain = await stream.plain();
    const plane = SIZE.width * SIZE.height;
    const tinted = paramsFor(through({ model: "tint", image: ["1", 0], tone: "green" }));
    await stream.executor.prepare(tinted);
    const { data: green } = await stream.draw(tinted);
    const wanted = plain.data.map((value, at) => (Math.floor(at / plane) === 1 ? value : 0));
    expect(farthest(green, wanted)).toBeLessThanOrEqual(1);
    const other = `data:image/png;base64,${LIGHT.toBase64()}`;
    const brighter = plain.data.map((value) => Math.max(value, 200));
    for (const inputs of [{ model: "larger", other }, { model: "shaded" }]) {
      const joined = paramsFor(through({ image: ["1", 0], ...inputs }));
      await stream.executor.prepare(joined);
      const { data: larger } = await stream.draw(joined);
      expect(farthest(larger, brighter)).toBeLessThanOrEqual(1);
    }
  });

  test.each([
    [{ model: "dim", speed: 2 }, "speed", "is not a parameter of the model dim, which has: factor"],
    [{ model: "dim", factor: 7 }, "factor", "must be a number from 0 to 1, got 7"],
    [{ model: "dim", factor: "much" }, "factor", 'must be a number from 0 to 1, got "much"'],
    [{ model: "tint", tone: "violet" }, "tone", "must be a list of 3 numbers"],
    [{ model: "larger", other: "a.png" }, "other", "must be a data URI"],
    [{ model: "dim", image: undefined }, "image", "is missing: the model dim needs a picture"],
    [{ model: "echo" }, "model", 'is "echo", which remembers earlier frames'],
    [{ model: "fed" }, "model", 'is "fed", which needs the outputs of other models'],
    [{ model: "broken" }, "model", 'is "broken", which cannot be used: model.json'],
  ])(
    "is told why OnnxModel with %j cannot run, before anything does",
    async (inputs, input, problem) => {
      const params = paramsFor(through({ image: ["1", 0], ...inputs }));
      await using stream = new GraphStream(host);
      const { kind, details } = await failureOf(stream.executor.prepare(params));
      expect({ kind, details }).toEqual({
        kind: "invalid_request",
        details: [
          {
            ...{ field: "prompts", node: "2", class_type: "OnnxModel", input },
            problem: expect.stringContaining(`${input} ${problem}`),
          },
        ],
      });
    },
  );

  test("is told which folders do not hold what loaders need", async () => {
    await using stream = new GraphStream(host);
    const params = paramsFor({
      "1": { class_type: "VAELoader", inputs: { vae_name: "dim" } },
      "2": { class_type: "EmptyLatentImage", inputs: { width: 64, height: 64, batch_size: 1 } },
      "3": { class_type: "VAEDecode", inputs: { samples: ["2", 0], vae: ["1", 0] } },
      "4": { class_type: "SaveTensor", inputs: { images: ["3", 0] } },
    });
    const { message } = await failureOf(stream.executor.prepare(params));
    expect(message).toContain(
      'node 1 (VAELoader): vae_name is "dim", which is a single network, not a pipeline',
    );
  });

  test("is told of linked values that a parameter cannot have when they are there", async () => {
    await using stream = new GraphStream(host);
    const params = paramsFor({
      ...through({ model: "dim", image: ["1", 0], factor: ["4", 0] }),
      "4": { class_type: "PrimitiveFloat", inputs: { value: 7 } },
    });
    const drawing = stream.executor.prepare(params).then(() => stream.draw(params));
    expect((await failureOf(drawing)).message).toContain(
      "node 2 (OnnxModel): factor must be a number from 0 to 1, got 7",
    );
  });

  test("makes a depth map from black to white of the frame's own size", async () => {
    await using stream = new GraphStream(host);
    const params = paramsFor({
      "1": { class_type: "LoadTensor", inputs: {} },
      "2": {
        class_type: "DepthAnythingTensorrt",
        inputs: { images: ["1", 0], engine: "depth.engine" },
      },
      "3": { class_type: "SaveTensor", inputs: { images: ["2", 0] } },
    });
    await stream.executor.prepare(params);
    const { data, ...size } = await stream.draw(params);
    expect(size).toEqual(SIZE);
    const plane = SIZE.width * SIZE.height;
    expect(Math.min(...data)).toBe(0);
    expect(Math.max(...data)).toBe(255);
    expect(data.subarray(0, plane)).toEqual(data.subarray(plane, 2 * plane));
    // The mean of the channels, stretched.
    const { data: pixels } = await stream.plain();
    const means = Array.from({ length: plane }, (_, at) =>
      [0, 1, 2].reduce((sum, channel) => sum + (pixels[channel * plane + at] ?? 0), 0),
    );
    const [least, most] = [Math.min(...means), Math.max(...means)];
    const wanted = means.map((mean) => (255 * (mean - least)) / (most - least));
    expect(wanted.every((mean, at) => Math.abs(mean - (data[at] ?? 0)) <= 1)).toBe(true);
  });

  test("that has no video is refused a graph that needs it", async () => {
    await using stream = new GraphStream(host, { hasInput: false });
    const { message } = await failureOf(stream.executor.prepare(paramsFor(INVERT)));
    expect(message).toContain("there is no video or picture for node 1 (LoadTensor)");
  });
});

test("a stream takes a graph over HTTP, another while it runs, and refuses one that cannot run", async () => {
  await using server = await startServer(MAIN);
  const ask = async (path: string, body?: unknown) => {
    const response = await fetch(`${server.url}${path}`, {
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
    return { status: response.status, answer: (await response.json()) as any };
  };
  const plain = (color: number) => ({
    "1": {
      class_type: "EmptyImage",
      inputs: { width: 96, height: 64, batch_size: 1, color },
    },
    "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "x" } },
    "3": { class_type: "PrimitiveString", inputs: { value: "plain" } },
    "4": { class_type: "SaveTextTensor", inputs: { data: ["3", 0] } },
  });
  const started = await ask("/stream/start", {
    prompts: plain(0xff0000),
    stream_url: `${server.url}/trickle/graphs`,
    ...{ width: 96, height: 64, fps: 5 },
  });
  expect(started.answer).toMatchObject({ success: true });
  const id: string = started.answer.manifest_id;
  const stream = async () => (await ask(`/stream/${id}/status`)).answer.stream;
  expect((await stream()).metadata.prompts).toEqual([plain(0xff0000)]);
  expect((await stream()).params).toMatchObject({ model: "comfyui" });
  await waitFor("its frames", async () => (await stream()).stats.frames_out > 3);

  const wrong = await ask(`/stream/${id}/params`, {
    prompts: { "1": { class_type: "Unheard", inputs: {} } },
  });
  expect(wrong.status).toBe(400);
  expect(wrong.answer.details).toEqual([
    {
      ...{ field: "prompts", node: "1", class_type: "Unheard" },
      problem: "has the class Unheard, which is not known here; GET /nodes lists those that are",
    },
  ]);
  expect(wrong.answer.error).toContain("Unheard");
  expect((await ask(`/stream/${id}/params`, { prompts: INVERT })).status).toBe(400); // no video
  // What only a run can see is found by one, before anything changes.
  const mismatched = {
    ...plain(0),
    "5": { class_type: "EmptyImage", inputs: { width: 16, height: 16, batch_size: 2, color: 0 } },
    "6": { class_type: "ImageFromBatch", inputs: { image: ["5", 0], batch_index: 9, length: 1 } },
    "7": {
      class_type: "ImageScaleBy",
      inputs: { image: ["6", 0], upscale_method: "area", scale_by: 0.01 },
    },
    "8": { class_type: "SaveImage", inputs: { images: ["7", 0], filename_prefix: "x" } },
  };
  const failed = await ask(`/stream/${id}/params`, { prompts: mismatched });
  expect(failed.status).toBe(400);
  expect(failed.answer).toMatchObject({
    error: "node 7 (ImageScaleBy): image would become 0x0; choose a larger size",
    details: [{ field: "prompts", node: "7", class_type: "ImageScaleBy" }],
  });
  const refusedStart = await ask("/stream/start", {
    prompts: mismatched,
    stream_url: `${server.url}/trickle/other`,
  });
  expect(refusedStart.status).toBe(400);
  expect((await stream()).metadata.prompts).toEqual([plain(0xff0000)]);

  expect((await ask(`/stream/${id}/params`, { prompts: plain(0x00ff00) })).status).toBe(200);
  const before = (await stream()).stats.frames_out;
  await waitFor(
    "frames of the next graph",
    async () => (await stream()).stats.frames_out > before + 3,
  );
  expect((await stream()).error).toBeUndefined();
  expect((await stream()).metadata.prompts).toEqual([plain(0x00ff00)]);

  await fetch(`${server.url}/stream/${id}`, { method: "DELETE" });
  await waitFor("its end", async () => (await stream()).status === "stopped");
  expect((await stream()).metadata.prompts).toEqual([]); // the history keeps nothing large

  const nodes = (await ask("/nodes")).answer;
  expect(nodes.KSampler.input.required.sampler_name[0]).toContain("euler");
  expect(nodes.KSampler.output).toEqual(["LATENT"]);
  expect(nodes.Unheard).toBeUndefined();
}, 60_000);

describe.skipIf(golden === null)(
  "a graph as the prompt of a picture (../shared/data/golden)",
  () => {
    test("gives ComfyUI's picture, and what is wrong is refused by node before anything runs", async () => {
      await using workspace = await OnnxWorkspace.create();
      await mkdir(join(workspace.path, "models"), { recursive: true });
      await cp(`${golden}/pipeline/tiny-sd`, join(workspace.path, "models/tiny-sd"), {
        recursive: true,
      });
      await cp(`${golden}/graph-runs/inputs/source.png`, join(workspace.path, "input/source.png"));
      await using server = await startServer(MAIN, ["--workspace", workspace.path]);
      const ask = async (body: unknown) => {
        const response = await fetch(`${server.url}/c/comfystream-image`, {
          ...{ method: "POST", body: JSON.stringify(body) },
        });
        // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
        return { status: response.status, answer: (await response.json()) as any };
      };
      const graphOf = async (name: string) =>
        await Bun.file(`${golden}/graph-runs/${name}.json`).json();
      for (const [name, file] of [
        ["txt2img-sde-4", "txt2img-sde-4.9.0.png"],
        ["img2img-1", "img2img-1.9.0.png"],
        ["sdturbo-img2img-1", "sdturbo-img2img-1.25.0.png"],
      ] as const) {
        const { answer } = await ask({ prompts: await graphOf(name) });
        expect(answer).toMatchObject({ success: true, width: 64, height: 64 });
        const [drawn, wanted] = await Promise.all([
          pictureOf(answer.images[0].data),
          pictureOf(
            `data:image/png;base64,${Buffer.from(await Bun.file(`${golden}/graph-runs/${file}`).bytes()).toBase64()}`,
          ),
        ]);
        expect(farthest(drawn.data, wanted.data)).toBeLessThanOrEqual(2);
      }
      // The picture of the request takes the place of one that is not there.
      const absent = await graphOf("img2img-1");
      absent["10"].inputs.image = "absent.png";
      const source = Buffer.from(await Bun.file(join(workspace.path, "input/source.png")).bytes());
      const image = `data:image/png;base64,${source.toBase64()}`;
      expect((await ask({ prompts: [absent], image })).status).toBe(200);
      const without = await ask({ prompts: absent });
      expect(without.status).toBe(400);
      expect(without.answer.error).toContain("node 10 (LoadImage, run as LoadTensor)");
      absent["3"].inputs.sampler_name = "nope";
      absent["4"].inputs.ckpt_name = "tinysd";
      const { status, answer } = await ask({ prompts: absent, image });
      expect(status).toBe(400);
      expect(answer.details).toMatchObject([
        { field: "prompts", node: "3", class_type: "KSampler", input: "sampler_name" },
        { field: "prompts", node: "4", class_type: "CheckpointLoaderSimple", input: "ckpt_name" },
      ]);
      expect(answer.error).toContain('node 3 (KSampler): sampler_name is "nope"');
      expect(answer.error).toContain('did you mean "tiny-sd"?');
    }, 60_000);
  },
);

const failureOf = async (work: Promise<unknown>): Promise<WorkerError> =>
  await work.then(
    () => {
      throw new Error("it succeeded");
    },
    (error: WorkerError) => error,
  );

const farthest = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce(
    (most, value, at) => Math.max(most, Math.abs(value - (b[at] ?? 0))),
    a.length - b.length,
  );
