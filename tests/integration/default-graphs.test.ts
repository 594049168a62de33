/** The graphs that ComfyUI users begin with, sent as their files are: as the prompt of a picture, and of a stream. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import type { Picture } from "../../src/media/picture.ts";
import { tsSegments } from "../support/clip.ts";
import { decodePictures } from "../support/clip-reader.ts";
import { synthetic } from "../support/clip-synthetic.ts";
import {
  BLUE,
  GREEN,
  pictureOf,
  planarRgb,
  pngFile,
  quarters,
  RED,
  WHITE,
} from "../support/image-files.ts";
import { api, collect, type Sender, sendClip } from "../support/live-stream.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { readReference } from "../support/reference.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { sharedData } from "../support/shared-data.ts";
import { writeSteeredPipeline } from "../support/steered-pipeline.ts";
import { waitFor } from "../support/wait-for.ts";

type Graph = Record<string, { class_type: string; inputs: Record<string, unknown> }>;

/** A graph by what is in its file name, and whether it reads a picture or the video. */
const GRAPHS = [
  ["txt2img", false],
  ["img2img", true],
  ["turbo", false],
  ["loaders-lcm-control", true],
] as const;

const golden = sharedData("golden");
const graphOf = (name: string): Graph =>
  readReference<Record<string, Graph>>("default-graphs")[name] as Graph;

/** Where the graphs run: folders of the names in them, and the picture that some of them load. */
const WORLDS = [
  { on: "a synthetic pipeline", isGolden: false, fill: fillSynthetic },
  { on: "the tiny pipeline (../shared/data/golden)", isGolden: true, fill: fillGolden },
];

for (const world of WORLDS) {
  describe.skipIf(world.isGolden && golden === null)(`on ${world.on}`, () => runAll(world));
}

function runAll({ isGolden, fill }: (typeof WORLDS)[number]): void {
  let workspace: OnnxWorkspace;
  let server: ServerProcess;
  beforeAll(async () => {
    quietLibav();
    workspace = await OnnxWorkspace.create();
    await fill(workspace.path);
    server = await startServer(MAIN, ["--workspace", workspace.path]);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await workspace[Symbol.asyncDispose]();
  });

  const ask = async (body: object) => {
    const response = await fetch(`${server.url}/process/request/comfystream-image`, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { Livepeer: LIVEPEER },
    });
    // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
    return { status: response.status, answer: (await response.json()) as any };
  };
  const pictureFor = async (graph: Graph): Promise<Picture> => {
    const { answer } = await ask({ prompts: graph });
    expect(answer).toMatchObject({ success: true, width: 64, height: 64 });
    expect(answer.images).toHaveLength(1);
    return await pictureOf(answer.images[0].data);
  };

  test.each(GRAPHS)("%s gives a picture, the same each time", async (name) => {
    const graph = graphOf(name);
    const [first, second] = [await pictureFor(graph), await pictureFor(graph)];
    expect(second.data).toEqual(first.data);
    expect(new Set(first.data).size).toBeGreaterThan(100); // not plain
  });

  // Golden's pictures are those of the same graphs with other texts.
  test.each(isGolden ? ["txt2img", "img2img"] : [])("%s gives ComfyUI's picture", async (name) => {
    const graph = graphOf(name);
    for (const { inputs } of Object.values(graph)) {
      if (inputs["text"] === undefined) continue;
      const isNegative = String(inputs["text"]).includes("watermark");
      inputs["text"] = isNegative ? "text, watermark" : "a photo of a red fox in the snow";
    }
    if (name === "img2img") {
      const source = await Bun.file(`${golden}/pipeline/images/source.png`).bytes();
      await Bun.write(join(workspace.path, "input/golden.png"), source);
      Object.assign(graph["10"]?.inputs ?? {}, { image: "golden.png" });
    }
    const drawn = await pictureFor(graph);
    const wanted = await planarRgb(
      await Bun.file(`${golden}/comfy-tiny/png/default-${name}.0.png`).bytes(),
    );
    const differences = drawn.data.map((value, at) => Math.abs(value - (wanted.data[at] ?? 0)));
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
    expect(differences.filter((each) => each > 0).length / differences.length).toBeLessThan(0.01);
  });

  test("each draws a stream, all at the same time", async () => {
    await Promise.all(GRAPHS.map(([name, readsVideo]) => drawStream(name, readsVideo)));
  });

  async function drawStream(name: string, readsVideo: boolean): Promise<void> {
    const graph = graphOf(name);
    const { start, stop, stream } = api(server.url);
    const channel = (end: string) => `${server.url}/trickle/${name}-${end}`;
    const over = new AbortController();
    let sender: Sender | null = null;
    if (readsVideo) {
      const media = await synthetic({ parts: [{ width: 64, height: 64, frames: 300 }], fps: 15 });
      sender = await sendClip(channel("in"), tsSegments(media), {
        seconds: 20,
        signal: over.signal,
      });
    }
    const id = await start({
      prompts: graph,
      stream_url: channel("out"),
      width: 64,
      height: 64,
      fps: 10,
      ...(readsVideo && { input_url: channel("in") }),
    });
    const output = collect(channel("out"), over.signal);
    // Until the networks are loaded, the stream shows that they are being loaded.
    const draws = async () => (await stream(id)).stats.inference_ms.p50 !== null;
    await waitFor(`pictures of ${name}`, draws, 30_000);
    const wanted = output.segments.length + 3;
    await waitFor(`segments of ${name}`, () => output.segments.length >= wanted, 30_000);
    const { stats, error } = await stream(id);
    expect(error).toBeUndefined();
    expect(stats).toMatchObject({ model: "comfyui" });
    await stop(id);
    over.abort();
    await sender?.end().catch(() => {}); // its writer was aborted
    await output.ended;

    const { video } = await decodePictures(output.segments.at(-1)?.bytes ?? new Uint8Array(0));
    const shown = video?.frames.at(-1);
    expect(shown).toMatchObject({ width: 64, height: 64, corrupt: false });
    const luma = shown?.luma ?? new Uint8Array(0);
    expect(new Set(luma).size).toBeGreaterThan(50);
    if (readsVideo) return;
    // What the same graph gives as a picture, but for the encoder's losses.
    expect(correlation(luma, greenOf(await pictureFor(graph)))).toBeGreaterThan(0.7);
  }
}

/** The channel that luma is mostly made of. */
const greenOf = ({ data, width, height }: Picture): Uint8Array =>
  data.subarray(width * height, 2 * width * height);

/** 1 for samples that rise and fall together, 0 for ones that have nothing to do with each other. */
function correlation(a: Uint8Array, b: Uint8Array): number {
  const mean = (values: Uint8Array) => values.reduce((sum, each) => sum + each, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [both, ofA, ofB] = [0, 0, 0];
  for (const [at, value] of a.entries()) {
    const [left, right] = [value - meanA, (b[at] ?? 0) - meanB];
    both += left * right;
    ofA += left ** 2;
    ofB += right ** 2;
  }
  return both / Math.sqrt(ofA * ofB);
}

const LIVEPEER = btoa(
  JSON.stringify({
    request: "{}",
    parameters: "{}",
    capability: "comfystream-image",
    timeout_seconds: 30,
  }),
);

/** The folders that the graphs name: a checkpoint, and its parts by themselves. */
async function fillGolden(workspace: string): Promise<void> {
  const models = join(workspace, "models");
  const tiny = `${golden}/pipeline/tiny-sd`;
  const control = `${golden}/pipeline-control/tiny-control`;
  const parts: readonly (readonly [folder: string, from: string, part: string])[] = [
    ["tiny-unet", control, "unet"],
    ["tiny-clip", tiny, "text_encoder"],
    ["tiny-clip", tiny, "tokenizer"],
    ["tiny-vae", tiny, "vae_encoder"],
    ["tiny-vae", tiny, "vae_decoder"],
    ["tiny-control", control, "controlnet"],
  ];
  await mkdir(models, { recursive: true });
  await cp(tiny, join(models, "tiny"), { recursive: true });
  for (const [folder, from, part] of parts) {
    await cp(join(from, part), join(models, folder, part), { recursive: true });
  }
  await cp(`${golden}/graph-runs/inputs/source.png`, join(workspace, "input/example.png"));
}

async function fillSynthetic(workspace: string): Promise<void> {
  const models = join(workspace, "models");
  await writeSteeredPipeline(join(models, "tiny"));
  await writeSteeredPipeline(join(models, "tiny-unet"), ["unet"]);
  await writeSteeredPipeline(join(models, "tiny-clip"), ["text_encoder"]);
  await writeSteeredPipeline(join(models, "tiny-vae"), ["vae_encoder", "vae_decoder"]);
  await writeSteeredPipeline(join(models, "tiny-control"), ["controlnet"]);
  const picture = quarters(64, 64, [RED, GREEN, BLUE, WHITE]);
  await Bun.write(join(workspace, "input/example.png"), await pngFile(picture));
}
