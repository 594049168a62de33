/** A pipeline with a ControlNet as a model: it follows the video, or a picture that callers give. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import { parseDevice } from "../../src/engine/device/devices.ts";
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import { DiffusionPipeline } from "../../src/engine/diffusion/pipeline.ts";
import { readPipelineFolder } from "../../src/engine/diffusion/pipeline-folder.ts";
import { StreamLane } from "../../src/engine/diffusion/stream/stream-lane.ts";
import type { Tensor } from "../../src/engine/models/tensor.ts";
import { PlanExecutor } from "../../src/engine/plan/executor.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { ParamValues } from "../../src/engine/protocol/models.ts";
import { pictureUri } from "../../src/engine/protocol/picture-uri.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import type { Picture } from "../../src/media/picture.ts";
import { ticks } from "../../src/media/time.ts";
import { goldenSet, greatestDifference, greatestOf } from "../support/golden.ts";
import { pictureOf } from "../support/image-files.ts";
import {
  maxDifference,
  noisePicture,
  OnnxWorkspace,
  rejection,
} from "../support/onnx-workspace.ts";
import { sharedData } from "../support/shared-data.ts";

const golden = sharedData("golden");
const SIZE = { width: 64, height: 64 };
const MODEL = "controlled";

const fileUri = async (path: string) =>
  pictureUri(await Bun.file(`${golden}/pipeline-control/images/${path}`).bytes(), "png");

describe.skipIf(golden === null)("a pipeline with a ControlNet (../shared/data/golden)", () => {
  let workspace: OnnxWorkspace;
  let host: ModelHost;
  let folder: string;
  beforeAll(async () => {
    workspace = await OnnxWorkspace.create();
    folder = join(workspace.path, "models", MODEL);
    await mkdir(join(workspace.path, "models"), { recursive: true });
    await cp(`${golden}/pipeline/tiny-sd`, folder, { recursive: true });
    for (const part of ["unet", "controlnet"]) {
      await cp(`${golden}/pipeline-control/tiny-control/${part}`, join(folder, part), {
        ...{ recursive: true, force: true },
      });
    }
    host = await workspace.host();
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
    await workspace[Symbol.asyncDispose]();
  });

  /** What a stream shows of one frame of video or of noise alone. */
  async function drawn(input: "video" | "noise", own: ParamValues = {}): Promise<Picture> {
    using converter = new PictureConverter(UNRECORDED_CALLS);
    using executor = new PlanExecutor({
      ...{ host, converter, key: "stream", calls: UNRECORDED_CALLS, hasInput: input === "video" },
      signal: new AbortController().signal,
    });
    const params: StreamParams = {
      ...{ prompts: [{ prompt: "a cat" }], model: MODEL, fit: "cover", paused: false },
      model_params: { seed: 5, strength: 1, ...own },
    };
    await executor.prepare(params);
    const source = await converter.toFrame(noisePicture(64, 64), SIZE, "stretch");
    try {
      const frame = input === "video" ? source : null;
      return (await executor.draw({ frame, pts: ticks(0), size: SIZE, params })).picture;
    } finally {
      source.free();
    }
  }

  test("gives diffusers' latents for its control pictures", async () => {
    const set = await goldenSet("pipeline-control/pipelines");
    const pipeline = await DiffusionPipeline.open(
      await readPipelineFolder(folder),
      parseDevice("cpu").settings,
    );
    try {
      const picture = await pictureOf(await fileUri("hint.png"));
      const latents: Tensor[] = [];
      for (const id of ["euler-4-s1", "euler-4-s0", "euler-1-g1"]) {
        const its = set?.cases.find((one) => one.id === id);
        if (set === null || its === undefined) throw new Error(`golden lacks ${id}`);
        const latent = await pipeline.sample({
          ...{ picture: null, size: SIZE, strength: 1 },
          conditioning: await pipeline.conditioner.pairOf([
            { prompt: String(its["prompt"]), negative_prompt: String(its["negative_prompt"]) },
          ]),
          steps: Number(its["steps"]),
          guidance: { scale: Number(its["guidance"]), mode: "full", delta: 1 },
          seed: BigInt(Number(its["seed"])),
          control: { picture, strength: Number(its["scale"]) },
        });
        const all = set.array(its, "latents");
        const last = (all.data as Float32Array).slice(-latent.data.length);
        const expected = { ...latent, data: last.map((value) => value / 0.18215) };
        latents.push(latent);
        // diffusers scales the noise by σ where ComfyUI takes √(1 + σ²): 0.23 % at the first step.
        expect(greatestDifference(latent, expected) / greatestOf(expected)).toBeLessThan(4e-3);
      }
      const [followed, ignored] = latents as [Tensor, Tensor];
      expect(greatestDifference(followed, ignored) / greatestOf(ignored)).toBeGreaterThan(4e-2);
    } finally {
      await pipeline.release();
    }
  });

  test("follows the video, as closely as it is told to", async () => {
    expect(host.infos().find(({ name }) => name === MODEL)?.params).toContainEqual(
      expect.objectContaining({ name: "control_image", type: "picture" }),
    );
    const without = await drawn("video", { control: 0 });
    const followed = await drawn("video");
    expect(maxDifference(followed, without)).toBeGreaterThan(2);
    expect(maxDifference(await drawn("video", { control: 0.5 }), followed)).toBeGreaterThan(0);
  });

  test("follows a picture that callers give in place of the video, also without one", async () => {
    const followed = await drawn("video");
    const given = await drawn("video", { control_image: await fileUri("hint.png") });
    expect(maxDifference(given, followed)).toBeGreaterThan(0);
    const alone = await drawn("noise");
    expect(maxDifference(await drawn("noise", { control: 2 }), alone)).toBe(0);
    const control_image = await fileUri("hint.png");
    expect(maxDifference(await drawn("noise", { control_image }), alone)).toBeGreaterThan(2);
  });

  test("follows each frame of a stream batch by itself", async () => {
    const pipeline = await DiffusionPipeline.open(
      await readPipelineFolder(folder),
      parseDevice("cpu").settings,
    );
    const empty = await pipeline.conditioner.empty();
    const settings = {
      ...{ steps: 3, strength: 1, seed: 5, skipSimilar: 0, feedback: 0, noisePlace: 0 },
      guidance: { scale: 3, mode: "once", delta: 1 },
    } as const;
    const next = (lane: StreamLane, picture: Picture, streamBatch: boolean) =>
      lane.next({
        ...{ picture, size: SIZE, prompts: [{ prompt: "a cat" }] },
        ...{ settings: { ...settings, streamBatch }, control: { picture, strength: 2 } },
      });
    try {
      const { data, ...size } = noisePicture(64, 64);
      const frames = [0, 90, 180, 250].map((at) => ({ ...size, data: data.map((b) => b ^ at) }));
      const batched = new StreamLane(pipeline, empty);
      const alone = new StreamLane(pipeline, empty);
      const pictures: Picture[] = [];
      for (const frame of frames) pictures.push(await next(batched, frame, true));
      for (const [at, shown] of [0, 0, 0, 1].entries()) {
        const expected = await next(alone, frames[shown] as Picture, false);
        expect(maxDifference(pictures[at] as Picture, expected)).toBeLessThanOrEqual(1);
      }
      expect(maxDifference(pictures[0] as Picture, pictures[3] as Picture)).toBeGreaterThan(2);
    } finally {
      await pipeline.release();
    }
  });

  test("without a denoiser that it can steer is refused with the way out", async () => {
    const other = join(workspace.path, "models/stubborn");
    await cp(folder, other, { recursive: true });
    await rm(join(other, "unet"), { recursive: true });
    await cp(`${golden}/pipeline/tiny-sd/unet`, join(other, "unet"), { recursive: true });
    const { message } = await rejection(host.acquire("stubborn"));
    expect(message).toContain(
      "unet/model.onnx takes no residuals, which controlnet/model.onnx gives",
    );
  });
});
