/** Diffusion pipelines as models of a workspace: found, loaded, drawn with and without video. */
import { describe, expect, test } from "bun:test";
import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import { PlanExecutor } from "../../src/engine/plan/executor.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { ParamValues } from "../../src/engine/protocol/models.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import { ticks } from "../../src/media/time.ts";
import { noisePicture, OnnxWorkspace } from "../support/onnx-workspace.ts";
import { sharedData } from "../support/shared-data.ts";

const tiny = sharedData("golden/pipeline/tiny-sd");
const tinyXl = sharedData("golden/pipeline-xl/tiny-xl");
const SIZE = { width: 64, height: 64 };

/** A workspace with these pipelines. */
async function workspaceWith(pipelines: Readonly<Record<string, string>>): Promise<OnnxWorkspace> {
  const workspace = await OnnxWorkspace.create();
  for (const [name, folder] of Object.entries(pipelines)) {
    await mkdir(join(workspace.path, "models"), { recursive: true });
    await cp(folder, join(workspace.path, "models", name), { recursive: true });
  }
  return workspace;
}

const paramsFor = (model: string, prompt: string, own = {}): StreamParams => ({
  prompts: [{ prompt }],
  model,
  fit: "cover",
  paused: false,
  model_params: { seed: 5, ...own },
});

/** Draws pictures as a stream does, one after the other; each is given by its hash. */
async function drawn(host: ModelHost, input: "noise" | "video", all: readonly StreamParams[]) {
  using converter = new PictureConverter(UNRECORDED_CALLS);
  using executor = new PlanExecutor({
    host,
    converter,
    key: "stream",
    calls: UNRECORDED_CALLS,
    hasInput: input === "video",
    signal: new AbortController().signal,
  });
  const frame =
    input === "video" ? await converter.toFrame(noisePicture(64, 64), SIZE, "stretch") : null;
  try {
    const pictures: string[] = [];
    for (const [at, params] of all.entries()) {
      await executor.prepare(params);
      const job = { frame, pts: ticks(at * 3000), size: SIZE, params };
      const { picture } = await executor.draw(job);
      expect([picture.width, picture.height]).toEqual([64, 64]);
      pictures.push(Bun.hash(picture.data).toString());
    }
    return pictures;
  } finally {
    frame?.free();
  }
}

describe.skipIf(tiny === null || tinyXl === null)(
  "a pipeline in the workspace (../shared/data/golden)",
  () => {
    test("is a model with parameters, which takes prompts and may take video", async () => {
      await using workspace = await workspaceWith({ sd: tiny ?? "" });
      await using host = await workspace.host();
      const info = host.infos().find(({ name }) => name === "sd");
      expect(info).toMatchObject({ takes_prompts: true, takes_video: true, needs_video: false });
      expect(info?.params.map(({ name }) => name)).toEqual([
        ...["seed", "steps", "strength", "guidance", "guidance_mode", "guidance_delta"],
        ...["clip_skip", "rules", "guidance_rescale"],
        ...["stream_batch", "skip_similar", "feedback", "drift"],
      ]);
    });

    test("may leave out layers of its text encoder, and rescale its guidance", async () => {
      await using workspace = await workspaceWith({ sd: tiny ?? "" });
      await using host = await workspace.host();
      const paramsOf = (own: ParamValues) =>
        paramsFor("sd", "a cat", { guidance: 3, feedback: 0, drift: 0, ...own });
      const [whole, skipped, theirs, theirsSkipped] = [
        ...(await drawn(host, "noise", [paramsOf({})])),
        ...(await drawn(host, "noise", [paramsOf({ clip_skip: 1 })])),
        ...(await drawn(host, "noise", [paramsOf({ rules: [0, 1] })])),
        ...(await drawn(host, "noise", [paramsOf({ rules: [0, 1], clip_skip: 1 })])),
      ];
      expect(new Set([whole, skipped, theirs, theirsSkipped]).size).toBe(4);
      const rescaled = paramsOf({ rules: [0, 1], guidance_rescale: 0.7 });
      expect((await drawn(host, "noise", [rescaled]))[0]).not.toBe(theirs as string);
    });

    test("is drawn by the rules of ComfyUI or of diffusers", async () => {
      await using workspace = await workspaceWith({ sd: tiny ?? "" });
      await using host = await workspace.host();
      const [own, theirs, again] = await drawn(host, "noise", [
        paramsFor("sd", "a cat", { feedback: 0, drift: 0 }),
        paramsFor("sd", "a cat", { rules: [0, 1] }),
        paramsFor("sd", "a cat", { rules: [0, 1] }),
      ]);
      expect(theirs).not.toBe(own as string);
      expect(again).toBe(theirs as string); // it stands still
    });

    test.each(["sd", "xl"])("%s draws by prompt and seed, the same each time", async (model) => {
      await using workspace = await workspaceWith({ sd: tiny ?? "", xl: tinyXl ?? "" });
      await using host = await workspace.host();
      const cat = paramsFor(model, "a cat", { steps: 2, guidance: 4 });
      const [one] = await drawn(host, "noise", [cat]);
      const [again] = await drawn(host, "noise", [cat]);
      const [other] = await drawn(host, "noise", [
        paramsFor(model, "a hill", { steps: 2, guidance: 4 }),
      ]);
      const [reseeded] = await drawn(host, "noise", [
        paramsFor(model, "a cat", { steps: 2, guidance: 4, seed: 6 }),
      ]);
      expect(again).toBe(one);
      expect(new Set([one, other, reseeded]).size).toBe(3);
    });

    test("a new prompt takes over within some frames, and a strength of 0 keeps the video", async () => {
      await using workspace = await workspaceWith({ sd: tiny ?? "" });
      await using host = await workspace.host();
      const [cat, hill] = [paramsFor("sd", "a cat"), paramsFor("sd", "a hill")];
      const [alone] = await drawn(host, "video", [hill]);
      const all = await drawn(host, "video", [cat, ...Array.from({ length: 10 }, () => hill)]);
      expect(all[1]).not.toBe(all[0]); // at once
      expect(all[1]).not.toBe(alone); // but not wholly
      expect(all.at(-1)).toBe(alone);
      const kept = (prompt: string) =>
        drawn(host, "video", [paramsFor("sd", prompt, { strength: 0 })]);
      expect(await kept("a cat")).toEqual(await kept("a hill"));
    });

    test("what is missing from a folder is named", async () => {
      await using workspace = await workspaceWith({ sd: tiny ?? "" });
      await rm(join(workspace.path, "models/sd/unet"), { recursive: true });
      await using host = await workspace.host();
      const error = host.infos().find(({ name }) => name === "sd")?.error;
      expect(error).toBe(
        "model sd cannot be used: unet/model.onnx missing: export the pipeline with optimum-cli export onnx",
      );
    });
  },
);
