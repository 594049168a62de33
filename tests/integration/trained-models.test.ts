/** Runs trained networks by their drafts, and compares every picture with what ONNX Runtime alone makes of the same tensors. */
import { describe, expect, test } from "bun:test";
import { basename } from "node:path";
import * as ort from "onnxruntime-node";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import { colourTable } from "../../src/engine/models/roles/colour-maps.ts";
import type { HeatOutputPort } from "../../src/engine/models/roles/heat-output.ts";
import { PlanExecutor, type PlanHost } from "../../src/engine/plan/executor.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import { TorchGenerator } from "../../src/engine/random/torch-noise.ts";
import type { Picture } from "../../src/media/picture.ts";
import { ticks } from "../../src/media/time.ts";
import { draftModelJson } from "../../src/workspace/model-draft.ts";
import {
  BLUE,
  dataUri,
  GREEN,
  pngFile,
  type Quarters,
  quarters,
  RED,
  WHITE,
} from "../support/image-files.ts";
import { copyOf, noisePicture, OnnxWorkspace } from "../support/onnx-workspace.ts";
import { drawWith, runModel } from "../support/run-model.ts";
import { sharedData } from "../support/shared-data.ts";
import { waitFor } from "../support/wait-for.ts";

const trained = sharedData("models/trained");

/** A workspace with these files, each by its draft, and what must be true of both pictures at most. */
async function hosted(...files: readonly string[]): Promise<[OnnxWorkspace, ModelHost]> {
  const workspace = await OnnxWorkspace.create();
  for (const file of files) {
    const path = `${trained}/${file}`;
    const { text, problems } = await draftModelJson(path);
    expect(problems).toEqual([]);
    const json = { ...JSON.parse(text), file: "model.onnx" };
    await workspace.add(basename(file, ".onnx"), json, await Bun.file(path).bytes());
  }
  return [workspace, await workspace.host()];
}

type Feeds = Record<string, ort.Tensor>;

/** The first output of a file for these tensors, by ONNX Runtime alone. */
async function alone(file: string, feeds: Feeds): Promise<Float32Array> {
  const options = {
    graphOptimizationLevel: "all",
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
  } as const;
  const session = await ort.InferenceSession.create(`${trained}/${file}`, options);
  const [name = ""] = session.outputNames;
  const { [name]: output } = await session.run(feeds, [name]);
  const data = output?.data as Float32Array;
  await session.release();
  return data;
}

const floats = (dims: readonly number[], data: Float32Array) =>
  new ort.Tensor("float32", data, dims);

/** A picture as samples, each made of its byte, in planes or interleaved. */
function samples(
  { data, width, height }: Picture,
  of: (byte: number, channel: number) => number,
  order = "planes",
) {
  const pixels = width * height;
  const result = new Float32Array(3 * pixels);
  for (let channel = 0; channel < 3; channel++) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      const at = order === "planes" ? channel * pixels + pixel : pixel * 3 + channel;
      result[at] = of(data[channel * pixels + pixel] ?? 0, channel);
    }
  }
  return result;
}

const blueFirst = ({ data, width, height }: Picture): Picture => {
  const plane = (channel: number) =>
    data.subarray(channel * width * height, (channel + 1) * width * height);
  return {
    data: Uint8Array.from([2, 1, 0].flatMap((channel) => [...plane(channel)])),
    width,
    height,
  };
};

const paramsFor = (style: string): StreamParams => ({
  prompts: [],
  model: "arbitrary_transform",
  fit: "cover",
  paused: false,
  model_params: { style },
});

/** A picture file of four colours as callers upload it. */
async function uploaded(colours: Quarters): Promise<string> {
  return dataUri("png", await pngFile(quarters(64, 64, colours)));
}

/** The host, whose models note each run by their name. */
function countingRuns(host: ModelHost, runs: string[]): PlanHost {
  return {
    chain: (name) => host.chain(name),
    loading: (name) => host.loading(name),
    planGraphs: (...asked) => host.planGraphs(...asked),
    loadDeadlineMs: host.loadDeadlineMs,
    prompts: host.prompts,
    acquire: async (name, signal) => {
      const model = await host.acquire(name, signal);
      return {
        definition: model.definition,
        executionProvider: model.executionProvider,
        isLost: () => model.isLost(),
        isOutdated: () => model.isOutdated(),
        reloadError: () => model.reloadError(),
        inputSize: (source) => model.inputSize(source),
        markUsed: () => model.markUsed(),
        forget: (lane) => model.forget(lane),
        run: async (job) => {
          runs.push(name);
          return await model.run(job);
        },
      };
    },
  };
}

/** The greatest difference of a picture from samples that `toByte` turns into bytes. */
function difference(
  picture: Picture,
  expected: (channel: number, pixel: number) => number,
): number {
  const pixels = picture.width * picture.height;
  let greatest = 0;
  for (const [at, byte] of picture.data.entries()) {
    const value = Math.min(255, Math.max(0, expected(Math.floor(at / pixels), at % pixels)));
    greatest = Math.max(greatest, Math.abs(byte - value));
  }
  return greatest;
}

describe.skipIf(trained === null)("trained networks (../shared/data/models/trained)", () => {
  test("multistyle26 paints a blend of styles", async () => {
    const [workspace, host] = await hosted("multistyle26.onnx");
    await using _workspace = workspace;
    await using _host = host;
    const picture = noisePicture(128, 96);
    const weights = Array.from({ length: 26 }, (_, at) => (at === 3 ? 0.25 : at === 20 ? 0.75 : 0));
    const model = await host.acquire("multistyle26");
    const [param] = model.definition.params;
    const drawn = await drawWith(model, {
      picture: copyOf(picture),
      params: { [param?.name ?? ""]: weights },
    });
    const expected = await alone("multistyle26.onnx", {
      image: floats(
        [1, 3, 96, 128],
        samples(picture, (byte) => byte / 255),
      ),
      style_weights: floats([26], Float32Array.from(weights)),
    });
    const pixels = 128 * 96;
    expect(
      difference(drawn, (channel, pixel) => (expected[channel * pixels + pixel] ?? 0) * 255),
    ).toBeLessThan(2);
  });

  test("any picture becomes the style of another one, by two networks", async () => {
    const [workspace, host] = await hosted("arbitrary_predict.onnx", "arbitrary_transform.onnx");
    await using _workspace = workspace;
    await using _host = host;
    const style = noisePicture(256, 256);
    const content = noisePicture(384, 384);
    const predict = await host.acquire("arbitrary_predict");
    const [uploaded] = predict.definition.params;
    const { data } = await runModel(predict, {
      size: style,
      params: { [uploaded?.name ?? ""]: "data:style" },
      stills: { "data:style": style },
    });
    const vector = await alone("arbitrary_predict.onnx", {
      style_image: floats(
        [1, 256, 256, 3],
        samples(style, (byte) => byte / 255, "interleaved"),
      ),
    });
    const [own] = Object.values(data);
    // The network is quantised: where an input differs in its last bit, the output moves by a step of 0.02.
    for (const [at, number] of vector.entries())
      expect(Math.abs(Number(own?.data[at]) - number)).toBeLessThan(0.05);

    const transform = await host.acquire("arbitrary_transform");
    const drawn = await drawWith(transform, {
      picture: copyOf(content),
      upstream: () => own ?? null,
    });
    const names = transform.definition.inputs.map(({ tensor }) => tensor);
    const fed = names.find((name) => name !== "content_image") ?? "";
    const expected = await alone("arbitrary_transform.onnx", {
      content_image: floats(
        [1, 384, 384, 3],
        samples(content, (byte) => byte / 255, "interleaved"),
      ),
      [fed]: floats([1, 1, 1, 100], Float32Array.from(own?.data ?? [], Number)),
    });
    expect(
      difference(drawn, (channel, pixel) => (expected[pixel * 3 + channel] ?? 0) * 255),
    ).toBeLessThan(2);
  });

  test.each([
    { strength: 1, video: false },
    { strength: 0.5, video: true },
  ])(
    "the terrain network draws from noise, and from video ($strength)",
    async ({ strength, video }) => {
      const [workspace, host] = await hosted("terrain_consistency_unet_difficulty100.onnx");
      await using _workspace = workspace;
      await using _host = host;
      const model = await host.acquire("terrain_consistency_unet_difficulty100");
      const picture = noisePicture(128, 128);
      const params = { strength, difficulty: 0.25, seed: 42 };
      const size = { width: 128, height: 128 };
      const drawn = await drawWith(
        model,
        video ? { picture: copyOf(picture), params } : { size, params },
      );
      const sigma = 0.002 * 40_000 ** strength;
      const noise = new TorchGenerator(42).randn(128 * 128);
      const pixels = 128 * 128;
      const noisy = noise.map((each, pixel) => {
        const [red = 128, green = 128, blue = 128] = video
          ? [0, 1, 2].map((channel) => picture.data[channel * pixels + pixel] ?? 0)
          : [];
        const light = (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
        return light * 2 - 1 + each * sigma;
      });
      const expected = await alone("terrain_consistency_unet_difficulty100.onnx", {
        noisy: floats([1, 1, 128, 128], noisy),
        sigma: floats([1], Float32Array.of(sigma)),
        difficulty: floats([1], Float32Array.of(0.25)),
      });
      expect(difference(drawn, (_, pixel) => ((expected[pixel] ?? 0) + 1) * 127.5)).toBeLessThan(2);
    },
    60_000,
  );

  test("the text detector is a heat map over the video", async () => {
    const [workspace, host] = await hosted("ch_PP-OCRv4_det_infer.onnx");
    await using _workspace = workspace;
    await using _host = host;
    const model = await host.acquire("ch_PP-OCRv4_det_infer");
    const picture = noisePicture(128, 96);
    const shown = await drawWith(model, { picture: copyOf(picture), params: { blend: 0 } });
    expect(
      difference(shown, (channel, pixel) => picture.data[channel * 128 * 96 + pixel] ?? 0),
    ).toBeLessThan(1);
    const [mean, std] = [
      [0.485, 0.456, 0.406],
      [0.229, 0.224, 0.225],
    ];
    const expected = await alone("ch_PP-OCRv4_det_infer.onnx", {
      x: floats(
        [1, 3, 96, 128],
        samples(blueFirst(picture), (byte, c) => (byte / 255 - (mean[c] ?? 0)) / (std[c] ?? 1)),
      ),
    });
    const heat = await drawWith(model, { picture: copyOf(picture), params: { blend: 1 } });
    const port = model.definition.outputs.find(({ role }) => role === "heat") as HeatOutputPort;
    const [from, to] = port.range ?? [0, 1];
    const tables = [0, 1, 2].map((channel) => colourTable(port.colours, channel));
    const colour = (channel: number, pixel: number): number => {
      const share = ((expected[pixel] ?? 0) - from) / (to - from);
      const visible = Math.min(1, Math.max(0, share));
      const painted = tables[channel]?.[Math.round(visible * 255)] ?? 0;
      const video = picture.data[channel * 128 * 96 + pixel] ?? 0;
      return video + (painted - video) * visible; // clear where the map is low
    };
    // Where a value lies between two colours, the last bit decides between them.
    expect(difference(heat, colour)).toBeLessThan(4);
  });

  test("the classifier gives its labels and scores as data", async () => {
    const [workspace, host] = await hosted("ch_ppocr_mobile_v2.0_cls_infer.onnx");
    await using _workspace = workspace;
    await using _host = host;
    const model = await host.acquire("ch_ppocr_mobile_v2.0_cls_infer");
    const picture = noisePicture(192, 48);
    const { data, picture: drawn } = await runModel(model, { picture: copyOf(picture) });
    const expected = await alone("ch_ppocr_mobile_v2.0_cls_infer.onnx", {
      x: floats(
        [1, 3, 48, 192],
        samples(blueFirst(picture), (byte) => (byte / 255 - 0.5) / 0.5),
      ),
    });
    const [numbers] = Object.values(data);
    expect(drawn).toBeNull();
    for (const [at, number] of expected.entries())
      expect(Number(numbers?.data[at])).toBeCloseTo(number, 3);
  });

  test("a picture that is uploaded while a stream runs becomes its style, and is read once", async () => {
    const [workspace, host] = await hosted("arbitrary_predict.onnx", "arbitrary_transform.onnx");
    await using _workspace = workspace;
    await using _host = host;
    const runs: string[] = [];
    using converter = new PictureConverter(UNRECORDED_CALLS);
    using executor = new PlanExecutor({
      host: countingRuns(host, runs),
      converter,
      key: "stream",
      calls: UNRECORDED_CALLS,
      hasInput: true,
      signal: new AbortController().signal,
    });
    const size = { width: 384, height: 384 };
    const content = await converter.toFrame(noisePicture(384, 384), size, "stretch");
    try {
      const [red, blue] = [
        uploaded([RED, WHITE, RED, WHITE]),
        uploaded([BLUE, GREEN, BLUE, GREEN]),
      ];
      await executor.prepare(paramsFor(await red));
      let pts = 0;
      const drawn = async (style: string): Promise<string> => {
        pts += 3000;
        const job = { frame: content, pts: ticks(pts), size, params: paramsFor(style) };
        const { picture } = await executor.run(job);
        return Bun.hash(picture?.data ?? new Uint8Array()).toString();
      };
      const before = await drawn(await red);
      expect(await drawn(await red)).toBe(before);
      runs.length = 0;
      await waitFor("the second style", async () => (await drawn(await blue)) !== before);
      for (let more = 0; more < 3; more++) await drawn(await blue);
      expect(runs.filter((name) => name === "arbitrary_predict")).toHaveLength(1);
    } finally {
      content.free();
    }
  }, 60_000);
});
