/** Graphs over HTTP: as the prompts of streams, and as those of pictures, which are ComfyUI's. */
import { describe, expect, test } from "bun:test";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { farthest, INVERT } from "../support/graph-stream.ts";
import { pictureOf } from "../support/image-files.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { MAIN, startServer } from "../support/server-process.ts";
import { sharedData } from "../support/shared-data.ts";
import { waitFor } from "../support/wait-for.ts";

const golden = sharedData("golden");

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
    width: 96,
    height: 64,
    fps: 5,
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
      field: "prompts",
      node: "1",
      class_type: "Unheard",
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
          method: "POST",
          body: JSON.stringify(body),
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
      expect(without.answer.error).toContain(
        "node 10 (LoadImage): the only LoadImage stands for the picture",
      );
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
