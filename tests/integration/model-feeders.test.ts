/** Models that feed others, and pictures that callers upload: what runs when, and what the frames show meanwhile. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { ReadyModel } from "../../src/engine/device/ready-model.ts";
import type { ParamValues } from "../../src/engine/protocol/models.ts";
import { pictureUri } from "../../src/engine/protocol/picture-uri.ts";
import type { Picture } from "../../src/media/picture.ts";
import { pngFile } from "../support/image-files.ts";
import { graphFile, ModelBench, PlanRun } from "../support/model-bench.ts";
import { maxDifference, noisePicture } from "../support/onnx-workspace.ts";
import { meanDifference } from "../support/picture-measures.ts";
import { waitFor } from "../support/wait-for.ts";

const SIZE = { width: 32, height: 24 };

/** A PNG file of one colour. */
const pngOf = (rgb: readonly number[]): Promise<Uint8Array> =>
  pngFile(plus({ ...SIZE, data: new Uint8Array(SIZE.width * SIZE.height * 3) }, rgb));

const uriOf = async (rgb: readonly number[]) => pictureUri(await pngOf(rgb), "png");

/** The mean colour of a picture: three numbers from 0 to 1. */
const meanColour = graphFile((graph) => {
  const picture = graph.input("style", "float32", [1, 3, 8, 8]);
  const mean = graph.node("ReduceMean", [picture], { axes: [2n, 3n], keepdims: 0n });
  graph.output("colour", mean, "float32", [1, 3]);
});

/** Adds a colour to the frame. */
const tinted = graphFile((graph) => {
  const frame = graph.input("x", "float32", [1, 3, "H", "W"]);
  const colour = graph.input("tint", "float32", [1, 3]);
  const planes = graph.node("Reshape", [colour, graph.constant("int64", [4], [1, 3, 1, 1])]);
  graph.output("y", graph.node("Add", [frame, planes]), "float32", [1, 3, "H", "W"]);
});

const FEEDER = {
  json: { inputs: { style: { role: "image" } }, outputs: { colour: { role: "data" } } },
  onnx: meanColour,
};
const FED = {
  json: { inputs: { tint: { from: { model: "colour", output: "colour" } } } },
  onnx: tinted,
};

const plus = ({ data, ...size }: Picture, rgb: readonly number[]): Picture => ({
  ...size,
  data: data.map((byte, at) =>
    Math.min(255, byte + (rgb[Math.floor(at / (data.length / 3))] ?? 0)),
  ),
});

/** The number of runs of a model from here on. */
async function countRuns(bench: ModelBench, name: string): Promise<() => number> {
  const model = await bench.model(name);
  if (!(model instanceof ReadyModel)) throw new Error("the host loads models of another kind");
  const run = model.thread.run.bind(model.thread);
  let runs = 0;
  model.thread.run = (jobs) => {
    runs += jobs.length;
    return run(jobs);
  };
  return () => runs;
}

const video = noisePicture(SIZE.width, SIZE.height);
const dark: Picture = { ...video, data: video.data.map((byte) => byte >> 2) };

const GREY = [128, 128, 128];
const RED = [90, 10, 10];
const BLUE = [10, 10, 90];

const flat: Picture = { ...SIZE, data: video.data.map(() => 30) };

/** Which of these colours was added to the flat picture, with what a video frame loses. */
const tintOf = (drawn: Picture): number =>
  [GREY, RED, BLUE].findIndex((rgb) => meanDifference(drawn, plus(flat, rgb)) < 12);

test("a picture becomes a vector once, and again only when it changes, while frames go on", async () => {
  await using bench = await ModelBench.open({ model: FED, colour: FEEDER });
  const runs = await countRuns(bench, "colour");
  using run = await PlanRun.open(bench.host, {});
  const tints: number[] = [];
  const next = async (params = {}) => {
    tints.push(tintOf(await run.show(flat, params)));
    return tints.at(-1);
  };
  for (let frame = 0; frame < 5; frame++) await next();
  // Without a picture it is grey.
  expect(tints).toEqual([0, 0, 0, 0, 0]);
  expect(runs()).toBe(1);

  await next({ model_params: { style: await uriOf(RED) } });
  await waitFor("the red picture", async () => (await next()) === 1);
  expect(runs()).toBe(2);

  // While another picture is decoded, the one before stays in use: grey does not come back.
  const before = tints.length;
  await next({ model_params: { style: await uriOf(BLUE) } });
  await waitFor("the blue picture", async () => (await next()) === 2);
  for (let frame = 0; frame < 5; frame++) expect(await next()).toBe(2);
  expect(new Set(tints.slice(before))).toEqual(new Set([1, 2]));
  expect(runs()).toBe(3);
});

test("one picture alone has the style that it was asked for with", async () => {
  await using bench = await ModelBench.open({ model: FED, colour: FEEDER });
  for (const rgb of [
    [40, 8, 4],
    [4, 8, 60],
  ] as const) {
    using run = await PlanRun.open(bench.host, { model_params: { style: await uriOf(rgb) } });
    const { picture } = await run.draw(dark);
    expect(maxDifference(picture, plus(await run.seen(dark), rgb))).toBeLessThanOrEqual(1);
  }
});

test("a model that needs video and is fed by another one gets the test card where there is no input", async () => {
  await using bench = await ModelBench.open({ model: FED, colour: FEEDER });
  using run = await PlanRun.open(bench.host, { size: SIZE }, { hasInput: false });
  const { picture } = await run.draw(null);
  expect([picture.width, picture.height]).toEqual([32, 24]);
  expect(new Set(picture.data).size).toBeGreaterThan(5);
  expect(Math.min(...picture.data)).toBeGreaterThanOrEqual(127);
});

/** The mean colour of the video. */
const watching = {
  json: { inputs: { style: { role: "frame" } }, outputs: { colour: { role: "data" } } },
  onnx: meanColour,
};

test("a feeder that watches the video runs with every frame, or on the test card", async () => {
  await using bench = await ModelBench.open({ model: FED, colour: watching });
  const runs = await countRuns(bench, "colour");
  using run = await PlanRun.open(bench.host, {});
  for (const level of [20, 60, 90]) {
    const flat = { ...video, data: video.data.map(() => level) };
    const [seen = 0] = (await run.seen(flat)).data;
    const { picture } = await run.draw(flat);
    expect(
      maxDifference(
        picture,
        plus({ ...flat, data: flat.data.map(() => seen) }, [seen, seen, seen]),
      ),
    ).toBeLessThanOrEqual(1);
  }
  expect(runs()).toBe(3);
  using alone = await PlanRun.open(bench.host, { size: SIZE }, { hasInput: false });
  expect(new Set((await alone.draw(null)).picture.data).size).toBeGreaterThan(5);
  expect(runs()).toBe(4);
});

test("pictures in the folder, uploaded ones and masks reach the model, each in its own size", async () => {
  const onnx = graphFile((graph) => {
    const frame = graph.input("x", "float32", [1, 3, "H", "W"]);
    const other = graph.input("other", "float32", [1, 3, "H", "W"]);
    const share = graph.input("share", "float32", [1, 1, "H", "W"]);
    const mixed = graph.node("Add", [
      other,
      graph.node("Mul", [graph.node("Sub", [frame, other]), share]),
    ]);
    graph.output("y", mixed, "float32", [1, 3, "H", "W"]);
  });
  const json = {
    inputs: {
      x: { role: "frame" },
      other: { role: "image", file: "pictures/other.png", name: "other" },
      share: { role: "mask", name: "share" },
    },
  };
  await using bench = await ModelBench.open({ model: { json, onnx } });
  await Bun.write(
    join(bench.workspace.path, "models/model/pictures/other.png"),
    await pngOf([10, 200, 90]),
  );
  const plain = (rgb: readonly number[], { width, height } = video) =>
    plus({ width, height, data: new Uint8Array(width * height * 3) }, rgb);
  /** The first frame, which waits for its pictures. */
  const drawn = async (picture: Picture, model_params: ParamValues = {}) => {
    using run = await PlanRun.open(bench.host, { model_params });
    const result = await run.draw(picture);
    return {
      result: result.picture,
      seen: await run.seen(picture),
      error: run.executor.inputError,
    };
  };
  // A mask is white where there is none: all of the frame shows.
  const whole = await drawn(video);
  expect(maxDifference(whole.result, whole.seen)).toBe(0);
  const black = await uriOf([0, 0, 0]);
  const behind = await drawn(video, { share: black });
  expect(maxDifference(behind.result, plain([10, 200, 90]))).toBe(0);
  const other = await uriOf([3, 2, 1]);
  const replaced = await drawn(video, { share: black, other });
  expect(maxDifference(replaced.result, plain([3, 2, 1]))).toBe(0);
  const { seen, result } = await drawn(video, { share: await uriOf([51, 51, 51]), other });
  const plane = SIZE.width * SIZE.height;
  const data = seen.data.map((byte, at) => {
    const under = [3, 2, 1][Math.floor(at / plane)] ?? 0;
    return Math.floor(under + (byte - under) * 0.2 + 0.5);
  });
  expect(maxDifference(result, { ...seen, data })).toBeLessThanOrEqual(1);
  const large = noisePicture(64, 48);
  const scaled = await drawn(large, { share: black });
  expect(maxDifference(scaled.result, plain([10, 200, 90], large))).toBe(0);
  // One that cannot be decoded is reported, and the folder's picture is used.
  const damaged = await drawn(video, { share: black, other: "data:image/png;base64,AAAA" });
  expect(maxDifference(damaged.result, plain([10, 200, 90]))).toBe(0);
  expect(damaged.error?.message).toStartWith("other is not a PNG, JPEG or WebP");
  expect(replaced.error).toBeNull();
});
