/** What callers may set of a pipeline, by what its files say of its networks; a pipeline of a few operators is run through the model host. */
import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import { PlanExecutor } from "../../src/engine/plan/executor.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { Size, StreamParams } from "../../src/engine/protocol/work.ts";
import type { Picture } from "../../src/media/picture.ts";
import { ticks } from "../../src/media/time.ts";
import { maxDifference, noisePicture, OnnxWorkspace } from "../support/onnx-workspace.ts";
import { type PipelineForm, writePipeline } from "../support/synthetic-pipeline.ts";

const stack: AsyncDisposableStack[] = [];
afterEach(async () => {
  for (const each of stack.splice(0)) await each.disposeAsync();
});

/** A host whose workspace holds the pipeline `drawn`. */
async function hostOf(form: PipelineForm): Promise<ModelHost> {
  const resources = new AsyncDisposableStack();
  stack.push(resources);
  const workspace = resources.use(await OnnxWorkspace.create());
  await writePipeline(join(workspace.path, "models/drawn"), form);
  return resources.use(await workspace.host());
}

const infoOf = (host: ModelHost) => host.infos().find(({ name }) => name === "drawn");

const paramsFor = (prompt: string, own: StreamParams["model_params"] = {}): StreamParams => ({
  prompts: [{ prompt }],
  model: "drawn",
  fit: "stretch",
  paused: false,
  model_params: { seed: 5, ...own },
});

/** Draws frames as a stream does. */
async function drawn(
  host: ModelHost,
  all: readonly StreamParams[],
  { size = { width: 64, height: 64 }, hasInput = false }: { size?: Size; hasInput?: boolean } = {},
): Promise<Picture[]> {
  using converter = new PictureConverter(UNRECORDED_CALLS);
  using executor = new PlanExecutor({
    host,
    converter,
    key: "stream",
    calls: UNRECORDED_CALLS,
    hasInput,
    signal: new AbortController().signal,
  });
  const source = noisePicture(64, 64);
  const frame = hasInput ? await converter.toFrame(source, size, "stretch") : null;
  try {
    const pictures: Picture[] = [];
    for (const [at, params] of all.entries()) {
      await executor.prepare(params);
      const job = { frame, pts: ticks(at * 3750), size, params };
      const { picture } = await executor.draw(job);
      pictures.push({ ...picture, data: picture.data.slice() });
    }
    return pictures;
  } finally {
    frame?.free();
  }
}

describe("sizes", () => {
  test("sides are multiples of what the denoiser's blocks halve", async () => {
    const host = await hostOf({ blocks: 4 });
    for (const hasInput of [false, true]) {
      const size = { width: 104, height: 72 };
      const [picture] = await drawn(host, [paramsFor("a cat")], { size, hasInput });
      expect([picture?.width, picture?.height]).toEqual([128, 64]);
    }
  });

  test.each([
    ["the denoiser", { denoiser: { sides: [4, 6] } }],
    ["the VAE decoder", { decoderSides: [4, 6] }],
  ] as [string, PipelineForm][])(
    "%s of one size draws in that size, whatever the stream's is",
    async (_, form) => {
      const host = await hostOf(form);
      for (const hasInput of [false, true]) {
        const [picture] = await drawn(host, [paramsFor("a cat")], { hasInput });
        expect([picture?.width, picture?.height]).toEqual([48, 32]);
      }
    },
  );
});

describe("parameters", () => {
  const namesOf = (host: ModelHost) => infoOf(host)?.params.map(({ name }) => name) ?? [];

  test("a batch that is fixed has no stream batch", async () => {
    expect(namesOf(await hostOf({}))).toContain("stream_batch");
    expect(namesOf(await hostOf({ denoiser: { batch: 1 } }))).not.toContain("stream_batch");
  });

  test("a network that takes its guidance as a vector has no modes of guidance", async () => {
    const host = await hostOf({ denoiser: { guidanceWidth: 256 } });
    expect(namesOf(host)).not.toContain("guidance_mode");
    expect(infoOf(host)?.params.find(({ name }) => name === "guidance")).toMatchObject({
      default: 8.5,
      min: 1,
    });
    const [one, other] = [{}, { guidance: 3 }].map((own) => paramsFor("a cat", own));
    const [[first], [second]] = [
      await drawn(host, [one as StreamParams]),
      await drawn(host, [other as StreamParams]),
    ];
    expect(maxDifference(first as Picture, second as Picture)).toBeGreaterThan(2);
  });

  test("modes of guidance draw pictures of their own", async () => {
    const host = await hostOf({});
    const own = { steps: 2, guidance: 3 };
    const pictures: Picture[] = [];
    for (const mode of [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]) {
      const params = paramsFor("a cat", { ...own, guidance_mode: mode });
      pictures.push((await drawn(host, [params]))[0] as Picture);
    }
    const [full, once, self] = pictures as [Picture, Picture, Picture];
    expect(maxDifference(full, once)).toBeGreaterThan(2);
    expect(maxDifference(once, self)).toBeGreaterThan(2);
  });

  /** One picture with parameters of its own. */
  const one = async (host: ModelHost, own: StreamParams["model_params"], prompt = "a cat") =>
    (await drawn(host, [paramsFor(prompt, own)]))[0] as Picture;
  const THEIRS = [0, 1];

  test("a network that takes sizes as in training may be told any, and the picture's own by default", async () => {
    const host = await hostOf({ denoiser: { takesSizes: true } });
    expect(namesOf(await hostOf({}))).not.toContain("original_size");
    expect(namesOf(host)).toEqual(
      expect.arrayContaining(["original_size", "crops_coords_top_left", "target_size"]),
    );
    const own = await one(host, {});
    expect(maxDifference(await one(host, { original_size: [64, 64] }), own)).toBe(0);
    for (const sizes of [
      { original_size: [512, 768] },
      { crops_coords_top_left: [0, 32] },
      { target_size: [256, 0] },
    ]) {
      expect(maxDifference(await one(host, sizes), own)).toBeGreaterThan(2);
    }
  });

  test("DDIM adds as much noise as it is told, by diffusers' rules", async () => {
    const host = await hostOf({ scheduler: { _class_name: "DDIMScheduler" } });
    expect(namesOf(await hostOf({}))).not.toContain("eta");
    const all = { rules: THEIRS, steps: 3 };
    const calm = await one(host, { ...all, eta: 0 });
    expect(maxDifference(await one(host, all), calm)).toBe(0);
    expect(maxDifference(await one(host, { ...all, eta: 0.7 }), calm)).toBeGreaterThan(2);
  });

  test("diffusers' rules take prompts as plain text, and what fits the encoder of it", async () => {
    const host = await hostOf({});
    const long = `${"a cat and ".repeat(30)}a fox`;
    const theirs = { rules: THEIRS, steps: 2 };
    expect(
      maxDifference(await one(host, theirs, long), await one(host, theirs, `${long} a hill`)),
    ).toBe(0);
    expect(
      maxDifference(
        await one(host, { steps: 2 }, long),
        await one(host, { steps: 2 }, `${long} a hill`),
      ),
    ).toBeGreaterThan(0);
    const [weighted, plain] = ["(a cat:1.5)", "a cat"];
    const same = await one(host, { steps: 2 }, "(a cat:1)");
    expect(maxDifference(await one(host, { steps: 2 }, plain), same)).toBe(0);
    const literal = await one(host, theirs, "(a cat:1)");
    expect(maxDifference(await one(host, theirs, plain), literal)).toBeGreaterThan(0);
    expect(maxDifference(await one(host, theirs, weighted), literal)).toBeGreaterThan(0);
  });

  test("strength changes the picture continuously, also in a single step", async () => {
    const host = await hostOf({});
    const pictures: Picture[] = [];
    for (const strength of [0, 0.3, 0.55, 0.8, 1]) {
      const params = paramsFor("a cat", { strength });
      pictures.push((await drawn(host, [params], { hasInput: true }))[0] as Picture);
    }
    for (const [at, picture] of pictures.slice(1).entries()) {
      expect(maxDifference(picture, pictures[at] as Picture)).toBeGreaterThan(2);
    }
  });
});

describe("streams without video", () => {
  const still = { feedback: 0, drift: 0 };

  test("flow by themselves, and stand still where neither feedback nor drift moves them", async () => {
    const host = await hostOf({});
    const flowing = await drawn(host, new Array<StreamParams>(12).fill(paramsFor("a cat")));
    for (const [at, picture] of flowing.slice(1).entries()) {
      expect(picture.data).not.toEqual(flowing[at]?.data as Uint8Array<ArrayBuffer>);
    }
    const params = paramsFor("a cat", still);
    const [first, ...others] = await drawn(host, new Array<StreamParams>(4).fill(params));
    for (const picture of others) expect(maxDifference(picture, first as Picture)).toBe(0);
    expect(maxDifference(first as Picture, flowing[0] as Picture)).toBe(0);
  });

  test("follow a new prompt to its end", async () => {
    const host = await hostOf({});
    const [cat, fox] = [paramsFor("a cat", still), paramsFor("a fox", still)];
    const pictures = await drawn(host, [cat, ...new Array<StreamParams>(12).fill(fox)]);
    const [alone] = await drawn(host, [fox]);
    expect(maxDifference(pictures.at(-1) as Picture, alone as Picture)).toBe(0);
    expect(maxDifference(pictures[0] as Picture, alone as Picture)).toBeGreaterThan(2);
  });
});

describe("files as other exporters write them:", () => {
  const forms: [string, PipelineForm][] = [
    ["half precision", { floats: "float16", denoiser: { timestep: "float16" } }],
    ["token ids as int64", { inputIds: "int64" }],
    ["a float timestep in a list", { denoiser: { timestep: "float32", timestepDims: [1] } }],
    ["a VAE encoder that gives the latent itself", { encoder: "latent" }],
    ["weights in files of their own", { weights: "outside" }],
  ];
  test.each(forms)("%s", async (_, form) => {
    const params = paramsFor("a cat", { steps: 2, guidance: 3 });
    const video = { hasInput: true };
    const [expected] = await drawn(await hostOf({}), [params], video);
    const [picture] = await drawn(await hostOf(form), [params], video);
    expect(maxDifference(picture as Picture, expected as Picture)).toBeLessThanOrEqual(3);
  });

  test("a pipeline without a VAE encoder draws from noise, and takes no video", async () => {
    const host = await hostOf({ encoder: "none", blocks: 3 });
    expect(infoOf(host)).toMatchObject({ takes_video: false, needs_video: false });
    const [picture] = await drawn(host, [paramsFor("a cat")], { size: { width: 80, height: 66 } });
    expect([picture?.width, picture?.height]).toEqual([96, 64]);
  });

  test("a denoiser that is not an ONNX file is named before anything loads", async () => {
    await using workspace = await OnnxWorkspace.create();
    const folder = join(workspace.path, "models/drawn");
    await writePipeline(folder, {});
    await Bun.write(join(folder, "unet/model.onnx"), "version https://git-lfs.github.com/spec/v1");
    await using host = await workspace.host();
    expect(infoOf(host)?.error).toMatch(/^model drawn cannot be used: unet\/model\.onnx/);
  });
});
