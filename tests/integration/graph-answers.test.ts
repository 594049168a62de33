/** What pictures and streams answer to graphs: every picture by node, texts, and what is wrong with parts that do not run. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { tsSegments } from "../support/clip.ts";
import { decodePictures } from "../support/clip-reader.ts";
import { synthetic } from "../support/clip-synthetic.ts";
import { pictureOf } from "../support/image-files.ts";
import { api, collect, sendClip } from "../support/live-stream.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

type Nodes = Record<string, { class_type: string; inputs: Record<string, unknown> }>;

const node = (class_type: string, inputs: Record<string, unknown> = {}) => ({
  class_type,
  inputs,
});
const plain = (color: number, batch_size = 1) =>
  node("EmptyImage", { width: 64, height: 32, batch_size, color });
const show = (from: string) => node("PreviewImage", { images: [from, 0] });
const say = (data: unknown) => node("SaveTextTensor", { data });
const latent = {
  "1": node("EmptyLatentImage", { width: 64, height: 64, batch_size: 1 }),
  "2": node("SaveLatent", { samples: ["1", 0], filename_prefix: "x" }),
};

/** A batch of two, one picture of another colour, and a text. */
const several: Nodes = {
  "1": plain(0x800000, 2),
  "2": plain(0x008000),
  "3": node("SaveImage", { images: ["1", 0], filename_prefix: "x" }),
  "4": show("2"),
  "5": say("two\nlines"),
};

let workspace: OnnxWorkspace;
let server: ServerProcess;
beforeAll(async () => {
  quietLibav();
  workspace = await OnnxWorkspace.create();
  server = await startServer(MAIN, ["--workspace", workspace.path]);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
});

async function post(path: string, body: object) {
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  return { status: response.status, answer: (await response.json()) as any };
}
const draw = (body: object) => post("/c/comfystream-image", body);

describe("a picture", () => {
  test("has one entry for each picture of each output node, and the texts by node", async () => {
    const { status, answer } = await draw({ prompts: several });
    expect(status).toBe(200);
    expect(answer).toMatchObject({
      success: true,
      width: 64,
      height: 32,
      texts: { "5": "twolines" },
    });
    const places = answer.images.map(({ node: id, index }: { node: string; index: number }) => {
      return [id, index];
    });
    expect(places).toEqual([
      ["3", 0],
      ["3", 1],
      ["4", 0],
    ]);
    const colours = await Promise.all(
      answer.images.map(async ({ data }: { data: string }) => {
        const picture = await pictureOf(data);
        expect(picture).toMatchObject({ width: 64, height: 32 });
        return [picture.data[0], picture.data[64 * 32]];
      }),
    );
    expect(colours).toEqual([
      [0x80, 0],
      [0x80, 0],
      [0, 0x80],
    ]);
    expect(answer.warnings).toBeUndefined();
  });

  test("has the size that the request asks for, in every entry", async () => {
    const { answer } = await draw({ prompts: several, width: 128, height: 96 });
    expect(answer.images).toHaveLength(3);
    for (const image of answer.images) expect(image).toMatchObject({ width: 128, height: 96 });
  });

  test("of a list of graphs has what the last one gives that draws", async () => {
    const { answer } = await draw({ prompts: [several, { "7": plain(0xff), "8": show("7") }] });
    expect(answer.images).toMatchObject([{ node: "8", index: 0 }]);
    expect(answer.texts).toEqual({ "5": "twolines" });
  });

  test("of a graph in a list reads the picture of the one before, also without one of the request", async () => {
    const second = {
      "1": node("LoadTensor"),
      "2": node("ImageInvert", { image: ["1", 0] }),
      "3": show("2"),
    };
    const { answer } = await draw({ prompts: [{ "7": plain(0xff0000), "8": show("7") }, second] });
    expect(answer.success).toBe(true);
    const picture = await pictureOf(answer.images[0].data);
    expect([picture.data[0], picture.data[64 * 32]]).toEqual([0, 255]);
  });

  test("of a graph of texts alone is none", async () => {
    const { status, answer } = await draw({ prompts: { "1": say("a fox") } });
    expect(status).toBe(200);
    expect(answer).toMatchObject({ images: [], width: 0, height: 0, texts: { "1": "a fox" } });
  });

  test("is refused where nothing would be in the answer, or too much", async () => {
    const nothing = await draw({ prompts: latent });
    expect(nothing.status).toBe(400);
    expect(nothing.answer.message).toBe(
      "prompts give no picture and no text: add SaveImage or PreviewImage",
    );
    const much = await draw({ prompts: { "1": plain(0, 65), "2": show("1") } });
    expect(much.status).toBe(400);
    expect(much.answer.message).toContain("gives 65 pictures, and an answer holds 64");
  });

  test("comes with what is wrong with parts that do not run", async () => {
    const half = { ...several, "9": show("nope") };
    const { status, answer } = await draw({ prompts: half });
    expect(status).toBe(200);
    expect(answer.images).toHaveLength(3);
    expect(answer.warnings).toMatchObject([
      { field: "prompts", node: "9", class_type: "PreviewImage", input: "images" },
    ]);
    expect(answer.warnings[0].problem).toContain('"nope", which is not in the graph');
  });
});

describe("a stream", () => {
  const stream_url = () => `${server.url}/trickle/${crypto.randomUUID()}`;

  test("is told what is wrong with parts that do not run, at its start and with a change", async () => {
    const half = { "1": plain(0xff), "2": show("1"), "9": show("nope") };
    const whole = { "1": plain(0xff), "2": show("1") };
    const started = await post("/stream/start", { prompts: half, stream_url: stream_url() });
    expect(started.answer).toMatchObject({ success: true, warnings: [{ node: "9" }] });
    const path = `/stream/${started.answer.manifest_id}/params`;
    expect((await post(path, { prompts: whole })).answer.warnings).toBeUndefined();
    const changed = await post(path, { prompts: half });
    expect(changed.answer).toMatchObject({ success: true, warnings: [{ node: "9" }] });
    await api(server.url).stop(started.answer.manifest_id);
  });

  test("without a video needs a picture of its graphs", async () => {
    const { status, answer } = await post("/stream/start", {
      prompts: { "1": say("a fox") },
      stream_url: stream_url(),
    });
    expect(status).toBe(400);
    expect(answer.message).toContain("there is no video to show");
  });

  test("shows its video where its graph gives texts alone, which reach the data channel", async () => {
    const media = await synthetic({ parts: [{ width: 64, height: 64, frames: 200 }], fps: 10 });
    const over = new AbortController();
    const [input_url, out] = [stream_url(), stream_url()];
    const options = { seconds: 15, signal: over.signal };
    const sender = await sendClip(input_url, tsSegments(media), options);
    const { answer } = await post("/stream/start", {
      prompts: { "1": say("a fox") },
      input_url,
      stream_url: out,
      width: 64,
      height: 64,
    });
    expect(answer).toMatchObject({ success: true });
    const path = `/stream/${answer.manifest_id}`;
    const events = await fetch(`${server.url}${path}/data`, { signal: over.signal });
    const reader = (events.body ?? new Blob([]).stream()).getReader();
    let said = "";
    while (!said.includes("a fox")) said += new TextDecoder().decode((await reader.read()).value);
    expect(said).toContain('"values":{"1":{"text":"a fox"}}');

    const output = collect(out, over.signal);
    const { stream, stop } = api(server.url);
    await waitFor("segments", () => output.segments.length >= 3, 30_000);
    expect((await stream(answer.manifest_id)).error).toBeUndefined();
    await stop(answer.manifest_id);
    over.abort();
    await sender.end().catch(() => {}); // its writer was aborted
    await output.ended;
    const { video } = await decodePictures(output.segments[1]?.bytes ?? new Uint8Array(0));
    const levels = video?.frames.map(({ luma }) => luma?.toSorted()[luma.length / 2] ?? 0) ?? [];
    const steps = levels.slice(1).map((level, at) => level - (levels[at] ?? 0));
    expect(levels.length).toBeGreaterThan(5);
    for (const step of steps) expect([1, 2, 3]).toContain(step); // each frame is a little brighter
  });

  test("shows the first picture of the last output", async () => {
    const url = stream_url();
    const { answer } = await post("/stream/start", { prompts: several, stream_url: url });
    const { stream, stop } = api(server.url);
    const over = new AbortController();
    const output = collect(url, over.signal);
    await waitFor("segments", () => output.segments.length >= 2, 30_000);
    expect((await stream(answer.manifest_id)).error).toBeUndefined();
    await stop(answer.manifest_id);
    over.abort();
    await output.ended;
    const { video } = await decodePictures(output.segments.at(-1)?.bytes ?? new Uint8Array(0));
    const [luma = 0] = video?.frames.at(-1)?.luma ?? [];
    expect(Math.abs(luma - 81)).toBeLessThan(5); // of the green picture; the red ones have 49
  });
});
