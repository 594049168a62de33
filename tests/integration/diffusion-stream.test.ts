/** Streams of a diffusion pipeline of a few operators: what flows from frame to frame, what is shared, and what it costs. */
import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { Denoiser } from "../../src/engine/diffusion/networks/denoiser.ts";
import { TextEncoder } from "../../src/engine/diffusion/networks/text-encoder.ts";
import { DiffusionPipeline } from "../../src/engine/diffusion/pipeline.ts";
import { readPipelineFolder } from "../../src/engine/diffusion/pipeline-folder.ts";
import type { GuidanceMode } from "../../src/engine/diffusion/sampler/prompt-guidance.ts";
import { type StreamFrame, StreamLane } from "../../src/engine/diffusion/stream/stream-lane.ts";
import type { StreamSettings } from "../../src/engine/diffusion/stream/stream-settings.ts";
import type { Picture } from "../../src/media/picture.ts";
import { maxDifference, noisePicture } from "../support/onnx-workspace.ts";
import { sharedData } from "../support/shared-data.ts";
import { type PipelineForm, writePipeline } from "../support/synthetic-pipeline.ts";

const tiny = ["pipeline/tiny-sd", "pipeline-xl/tiny-xl"];
const tinyFolder = (name: string): string | null => sharedData(`golden/${name}`);
const SIZE = { width: 32, height: 32 };
const folders: string[] = [];
const pipelines: DiffusionPipeline[] = [];
afterAll(async () => {
  for (const pipeline of pipelines) await pipeline.release();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function openPipeline(form: PipelineForm = {}): Promise<DiffusionPipeline> {
  const folder = await mkdtemp(join(tmpdir(), "pipeline-"));
  folders.push(folder);
  await writePipeline(folder, form);
  return await openFolder(folder);
}

async function openFolder(folder: string): Promise<DiffusionPipeline> {
  const { settings } = parseDevice("cpu");
  const pipeline = await DiffusionPipeline.open(await readPipelineFolder(folder), settings);
  pipelines.push(pipeline);
  return pipeline;
}

let euler: DiffusionPipeline;
let lcm: DiffusionPipeline;
beforeAll(async () => {
  euler = await openPipeline();
  lcm = await openPipeline({ scheduler: { _class_name: "LCMScheduler" } });
});

const SETTINGS: StreamSettings = {
  steps: 1,
  strength: 0.5,
  seed: 5,
  streamBatch: false,
  skipSimilar: 0,
  guidance: { scale: 1, mode: "full", delta: 1 },
  feedback: 0,
  noisePlace: 0,
};

type Changes = Partial<StreamSettings & { prompt: string; picture: Picture | null }>;

const frameOf = ({ prompt = "a cat", picture = null, ...changes }: Changes): StreamFrame => ({
  picture,
  size: SIZE,
  prompts: [{ prompt, negative_prompt: "a dog" }],
  settings: { ...SETTINGS, ...changes },
});

/** Frames of a video: each is a little darker. */
const video = (count: number): Picture[] =>
  Array.from({ length: count }, (_, at) => {
    const { data, ...size } = noisePicture(32, 32);
    return { ...size, data: data.map((byte) => Math.max(0, byte - 9 * at)) };
  });

/** The pictures that a new lane draws. */
async function drawn(pipeline: DiffusionPipeline, frames: readonly Changes[]): Promise<Picture[]> {
  const lane = new StreamLane(pipeline, await pipeline.conditioner.empty());
  const pictures: Picture[] = [];
  for (const frame of frames) pictures.push(await lane.next(frameOf(frame)));
  return pictures;
}

const single = async (pipeline: DiffusionPipeline, frame: Changes): Promise<Picture> =>
  (await drawn(pipeline, [frame]))[0] as Picture;

/** Equal but for what the order of additions in a larger batch changes. */
function expectAlike(picture: Picture | undefined, other: Picture | undefined): void {
  if (picture === undefined || other === undefined) throw new Error("a picture is missing");
  expect(maxDifference(picture, other)).toBeLessThanOrEqual(1);
}

const repeated = <T>(count: number, value: T): T[] => new Array<T>(count).fill(value);

/** The rows of each run of the denoiser that `work` causes. */
async function rowsOf(work: () => Promise<unknown>): Promise<number[]> {
  const rows: number[] = [];
  const predict = Denoiser.prototype.predict;
  const spy = spyOn(Denoiser.prototype, "predict").mockImplementation(async function (
    this: Denoiser,
    input,
  ) {
    rows.push(input.sample.dims[0] ?? 0);
    return await predict.call(this, input);
  });
  try {
    await work();
    return rows;
  } finally {
    spy.mockRestore();
  }
}

describe("a stream batch", () => {
  const pipelinesByName = () => ({ euler, lcm });

  test("of one step changes nothing", async () => {
    const frames = video(3).map((picture): Changes => ({ picture }));
    const plain = await drawn(euler, frames);
    expect(
      await drawn(
        euler,
        frames.map((frame) => ({ ...frame, streamBatch: true })),
      ),
    ).toEqual(plain);
  });

  test.each(["euler", "lcm"] as const)(
    "gives each frame's picture of %s in four steps, three frames later",
    async (name) => {
      const pipeline = pipelinesByName()[name];
      const settings = { steps: 4, guidance: { scale: 3, mode: "once", delta: 1 } } as const;
      const pictures = video(7);
      const batched = await drawn(
        pipeline,
        pictures.map((picture) => ({ ...settings, picture, streamBatch: true })),
      );
      for (const [at, shown] of [0, 0, 0, 0, 1, 2, 3].entries()) {
        const picture = pictures[shown] as Picture;
        expectAlike(batched[at], await single(pipeline, { ...settings, picture }));
      }
    },
  );

  test.skipIf(tiny.some((name) => tinyFolder(name) === null)).each(tiny)(
    "gives the same pictures with attention and normalisation: %s (../shared/data/golden)",
    async (name) => {
      const pipeline = await openFolder(tinyFolder(name) ?? "");
      const settings = { steps: 3, guidance: { scale: 3, mode: "full", delta: 1 } } as const;
      const pictures = video(4);
      const batched = await drawn(
        pipeline,
        pictures.map((picture) => ({ ...settings, picture, streamBatch: true })),
      );
      for (const [at, shown] of [0, 0, 0, 1].entries()) {
        const picture = pictures[shown] as Picture;
        expectAlike(batched[at], await single(pipeline, { ...settings, picture }));
      }
    },
  );

  test("runs the denoiser once a frame, with a row for each step", async () => {
    const picture = video(1)[0] as Picture;
    const frame: Changes = { picture, steps: 4, streamBatch: true };
    expect(await rowsOf(() => drawn(euler, repeated(4, frame)))).toEqual([1, 1, 1, 1, 4, 4, 4]);
    expect(await rowsOf(() => drawn(euler, repeated(2, { ...frame, streamBatch: false })))).toEqual(
      repeated(8, 1),
    );
  });

  test("a changed number of steps is drawn at once, and a new prompt reaches all frames in flight", async () => {
    const picture = video(1)[0] as Picture;
    const frame: Changes = { picture, steps: 4, streamBatch: true };
    const [, , , fewer, other] = await drawn(euler, [
      ...repeated(3, frame),
      { ...frame, steps: 2 },
      { ...frame, steps: 2, prompt: "a fox" },
    ]);
    expectAlike(fewer, await single(euler, { picture, steps: 2 }));
    expect(other?.data).not.toEqual(fewer?.data);
    const settled = await drawn(euler, [
      ...repeated(2, frame),
      ...repeated(12, { ...frame, prompt: "a fox" }),
    ]);
    expectAlike(settled.at(-1), await single(euler, { picture, steps: 4, prompt: "a fox" }));
  });

  test("a denoiser whose batch is fixed gives the same pictures", async () => {
    const fixed = await openPipeline({ denoiser: { batch: 1 } });
    const frames = video(5).map((picture): Changes => ({ picture, steps: 3, streamBatch: true }));
    const expected = await drawn(euler, frames);
    for (const [at, picture] of (await drawn(fixed, frames)).entries()) {
      expectAlike(picture, expected[at]);
    }
  });
});

describe("residual guidance", () => {
  const guided = (mode: GuidanceMode): Changes => ({
    picture: noisePicture(32, 32),
    steps: 4,
    guidance: { scale: 2, mode, delta: 1 },
  });

  test.each([
    ["full", [2, 2, 2, 2]],
    ["once", [2, 1, 1, 1]],
    ["self", [1, 1, 1, 1]],
  ] as const)("%s evaluates rows %p", async (mode, rows) => {
    expect(await rowsOf(() => drawn(lcm, [guided(mode)]))).toEqual([...rows]);
  });

  test("has no part in a network that takes its guidance as a vector", async () => {
    const inside = await openPipeline({
      denoiser: { guidanceWidth: 256 },
      scheduler: { _class_name: "LCMScheduler" },
    });
    const run = (scale: number) =>
      single(inside, { steps: 2, guidance: { scale, mode: "full", delta: 1 } });
    expect(await rowsOf(() => run(7))).toEqual([1, 1]);
    expect((await run(7)).data).not.toEqual((await run(8)).data);
  });
});

describe("similar frames", () => {
  test("show the last picture without a run of the networks, at most ten times", async () => {
    const picture = video(1)[0] as Picture;
    const frames = repeated(23, { picture, skipSimilar: 0.98 });
    const rows = await rowsOf(async () => {
      const pictures = await drawn(euler, frames);
      for (const shown of pictures) expect(maxDifference(shown, pictures[0] as Picture)).toBe(0);
    });
    expect(rows).toEqual([1, 1, 1]);
  });

  test("are drawn where something moves, and after a change of prompt, strength or seed", async () => {
    const [still, moved] = [noisePicture(32, 32), video(12)[11] as Picture];
    const frame: Changes = { picture: still, skipSimilar: 0.98 };
    const runs = async (changes: Changes) =>
      (await rowsOf(() => drawn(euler, [frame, frame, { ...frame, ...changes }]))).length;
    expect(await runs({})).toBe(1);
    for (const changes of [
      ...[{ prompt: "a fox" }, { strength: 0.7 }, { seed: 6 }, { picture: moved }],
    ]) {
      expect(await runs(changes)).toBe(2);
    }
  });

  test("of a stream batch are drawn until a change has come out of it", async () => {
    const picture = noisePicture(32, 32);
    const frame: Changes = { picture, skipSimilar: 0.98, streamBatch: true, steps: 3 };
    const pictures = await drawn(euler, [
      ...repeated(2, frame),
      ...repeated(12, { ...frame, strength: 0.8 }),
    ]);
    const expected = await single(euler, { picture, steps: 3, strength: 0.8 });
    expectAlike(pictures.at(-1), expected);
  });

  test("of a stream batch are drawn until what moved last is seen", async () => {
    const moving = video(12).filter((_, at) => at % 4 === 3);
    const last = moving.at(-1) as Picture;
    const frames = [...moving, ...repeated(4, last)].map((picture): Changes => {
      return { picture, skipSimilar: 0.98, streamBatch: true, steps: 3 };
    });
    const pictures = await drawn(euler, frames);
    expectAlike(pictures[moving.length + 1], await single(euler, { picture: last, steps: 3 }));
    const rows = await rowsOf(() => drawn(euler, frames));
    expect(rows).toHaveLength(3 + 2 + 2); // the first frame alone, two that move, two that follow
  });
});

describe("without video", () => {
  /** The mean difference of pixels, in steps of 1/255. */
  const apart = (a: Picture, b: Picture): number =>
    a.data.reduce((sum, byte, at) => sum + Math.abs(byte - (b.data[at] ?? 0)), 0) / a.data.length;

  const flicker = (pictures: readonly Picture[]): number => {
    const steps = pictures.slice(1).map((picture, at) => apart(picture, pictures[at] as Picture));
    return steps.reduce((sum, step) => sum + step, 0) / steps.length;
  };

  const second = (changes: (at: number) => Changes) =>
    drawn(
      euler,
      Array.from({ length: 24 }, (_, at) => changes(at)),
    );

  test("pictures flow: neighbours hardly differ, and after a second all has changed", async () => {
    const fresh = await second((at) => ({ seed: at }));
    const flowing = await second((at) => ({ feedback: 0.5, noisePlace: (0.25 * at) / 24 }));
    expect(flicker(flowing)).toBeLessThan(flicker(fresh) / 5);
    expect(apart(flowing[0] as Picture, flowing.at(-1) as Picture)).toBeGreaterThan(
      5 * flicker(flowing),
    );
  });

  test("the first picture is that of the seed", async () => {
    const [first] = await drawn(euler, [{ feedback: 0.5 }]);
    expect(first?.data).toEqual((await single(euler, {})).data);
  });

  test("pictures that stand still are drawn once", async () => {
    const rows = await rowsOf(async () => {
      const pictures = await second(() => ({}));
      expect(flicker(pictures)).toBe(0);
    });
    expect(rows).toEqual([1]);
  });

  test("a new prompt takes over within some frames, though the noise stands still", async () => {
    const pictures = await drawn(euler, [{}, ...repeated(12, { prompt: "a fox" })]);
    expect(pictures[1]?.data).not.toEqual(pictures[0]?.data as Uint8Array);
    expect(pictures.at(-1)?.data).toEqual((await single(euler, { prompt: "a fox" })).data);
  });
});

test("a new prompt costs one encoding of its text, and no frame", async () => {
  const pipeline = await openPipeline();
  const encode = spyOn(TextEncoder.prototype, "encode");
  try {
    const picture = noisePicture(32, 32);
    const lane = new StreamLane(pipeline, await pipeline.conditioner.empty());
    const next = (changes: Changes) => lane.next(frameOf({ picture, ...changes }));
    for (let frame = 0; frame < 5; frame++) await next({});
    encode.mockClear();
    let before = await next({});
    for (const changes of [
      { prompt: "a fox" },
      { prompt: "a fox", strength: 0.9 },
      { prompt: "a fox", strength: 0.9, seed: 8 },
    ]) {
      const after = await next(changes);
      expect(after.data).not.toEqual(before.data);
      before = after;
    }
    for (let frame = 0; frame < 20; frame++) await next({ prompt: "a fox" });
    expect(encode).toHaveBeenCalledTimes(1);
  } finally {
    encode.mockRestore();
  }
});
