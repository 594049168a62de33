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
import { PlanExecutor } from "../../src/engine/plan/executor.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { ParamValues } from "../../src/engine/protocol/models.ts";
import { pictureUri } from "../../src/engine/protocol/picture-uri.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import type { Picture } from "../../src/media/picture.ts";
import { ticks } from "../../src/media/time.ts";
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
        recursive: true,
        force: true,
      });
    }
    host = await workspace.host();
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
    await workspace[Symbol.asyncDispose]();
  });

  /** What a stream shows of one frame of video or of noise alone. */
  async function drawn(
    input: "video" | "noise",
    own: ParamValues = {},
    model = MODEL,
  ): Promise<Picture> {
    using converter = new PictureConverter(UNRECORDED_CALLS);
    using executor = new PlanExecutor({
      host,
      converter,
      key: "stream",
      calls: UNRECORDED_CALLS,
      hasInput: input === "video",
      signal: new AbortController().signal,
    });
    const params: StreamParams = {
      prompts: [{ prompt: "a cat" }],
      model,
      fit: "cover",
      paused: false,
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

  test("is followed in a part of the run, and by the prompt alone where it guesses", async () => {
    const steps = { steps: 4, guidance: 3, control: 2 };
    const whole = await drawn("video", steps);
    const without = await drawn("video", { ...steps, control: 0 });
    const seen = [whole, without];
    for (const own of [{ control_end: 0.5 }, { control_start: 0.5 }, { guess_mode: true }]) {
      for (const rules of [
        [1, 0],
        [0, 1],
      ]) {
        seen.push(await drawn("video", { ...steps, ...own, rules }));
      }
    }
    for (const [at, picture] of seen.entries()) {
      for (const other of seen.slice(at + 1)) {
        expect(maxDifference(picture, other)).toBeGreaterThan(0);
      }
    }
    const none = { ...steps, control_start: 0.6, control_end: 0.4 };
    expect(maxDifference(await drawn("video", none), without)).toBe(0);
  });

  test("follows each frame of a stream batch by itself", async () => {
    const pipeline = await DiffusionPipeline.open(
      await readPipelineFolder(folder),
      parseDevice("cpu").settings,
    );
    const empty = await pipeline.conditioner.empty();
    const settings = {
      steps: 3,
      strength: 1,
      seed: 5,
      skipSimilar: 0,
      feedback: 0,
      noisePlace: 0,
      guidance: { scale: 3, mode: "once", delta: 1 },
    } as const;
    const next = (lane: StreamLane, picture: Picture, streamBatch: boolean) =>
      lane.next({
        picture,
        size: SIZE,
        prompts: [{ prompt: "a cat" }],
        settings: { ...settings, streamBatch },
        controls: {
          pictures: [{ net: 0, picture, strength: 2, range: { start: 0, end: 1 } }],
          guesses: false,
        },
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

  test("several steer together, each by parameters of its own", async () => {
    const other = join(workspace.path, "models/twofold");
    await cp(folder, other, { recursive: true });
    await cp(join(folder, "controlnet"), join(other, "controlnet_1"), { recursive: true });
    await host.acquire("twofold");
    const { params = [] } = host.infos().find(({ name }) => name === "twofold") ?? {};
    expect(params.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        ...["control", "control_image", "control_start", "control_end", "guess_mode"],
        ...["control_1", "control_image_1", "control_start_1", "control_end_1"],
      ]),
    );
    const control_image_1 = await fileUri("hint2.png");
    const alone = await drawn("video", { control_1: 0 }, "twofold");
    expect(maxDifference(alone, await drawn("video"))).toBe(0);
    const both = await drawn("video", { control_image_1 }, "twofold");
    expect(maxDifference(both, alone)).toBeGreaterThan(2);
    const never = { control_image_1, control_start_1: 1, control_end_1: 0 };
    expect(maxDifference(await drawn("video", never, "twofold"), alone)).toBe(0);
    const gapped = join(workspace.path, "models/gapped");
    await cp(other, gapped, { recursive: true });
    await rm(join(gapped, "controlnet"), { recursive: true });
    expect((await rejection(host.acquire("gapped"))).message).toContain(
      "controlnet_1/model.onnx is there, but controlnet/model.onnx is not",
    );
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
