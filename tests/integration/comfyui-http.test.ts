/** Graphs that go to a ComfyUI, over the server's own interface: pictures, and live streams at the rate it gives. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { WITH_SOUND } from "../support/clips.ts";
import { COLOUR, isIdle, queueOf, slowly } from "../support/comfyui-suite.ts";
import { FakeComfy } from "../support/fake-comfyui.ts";
import { dataUri, pictureOf, pngFile } from "../support/image-files.ts";
import { api, collect, enginePid, sendClip } from "../support/live-stream.ts";
import { noisePicture } from "../support/onnx-workspace.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(60_000);

const post = async ({ url }: ServerProcess, path: string, body: object) => {
  const response = await fetch(`${url}${path}`, { method: "POST", body: JSON.stringify(body) });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  return { status: response.status, answer: (await response.json()) as any };
};

test("a picture is drawn there, refused by node, and given up after --batch-timeout", async () => {
  await using comfy = new FakeComfy();
  const flags = ["--comfyui-url", comfy.url, "--batch-timeout", "3s"];
  await using server = await startServer(MAIN, flags);
  await enginePid(server.url);
  const ask = async (body: object) => await post(server, "/c/comfystream-image", body);
  const picture = noisePicture(48, 32);
  const image = dataUri("png", await pngFile(picture));

  const { answer } = await ask({ prompts: slowly(0), image });
  expect(answer).toMatchObject({ success: true, width: 48, height: 32 });
  const { data } = await pictureOf(answer.images[0].data);
  expect(data.every((value, at) => value === 255 - (picture.data[at] ?? 0))).toBe(true);
  expect((await ask({ prompts: COLOUR })).answer).toMatchObject({ width: 32, height: 32 });
  const several = {
    ...COLOUR,
    "4": { class_type: "ImageInvert", inputs: { image: ["1", 0] } },
    "5": { class_type: "PreviewImage", inputs: { images: ["4", 0] } },
    "8": { class_type: "TestText", inputs: { text: "a bottle" } },
    "9": { class_type: "SaveTextTensor", inputs: { data: ["8", 0] } },
  };
  const both = (await ask({ prompts: several })).answer;
  expect(both).toMatchObject({ success: true, texts: { "9": "A BOTTLE" } });
  const colours = new Map<string, number | undefined>();
  for (const { node, index, data: uri } of both.images) {
    expect(index).toBe(0);
    colours.set(node, (await pictureOf(uri)).data[0]);
  }
  expect(Object.fromEntries(colours)).toEqual({ "3": 64, "5": 191 });

  const choice = { ...COLOUR, "2": { class_type: "TestChoice", inputs: { image: ["1", 0] } } };
  const wrong = await ask({ prompts: choice });
  expect(wrong.status).toBe(400);
  expect(wrong.answer.details).toEqual([
    {
      field: "prompts",
      node: "2",
      class_type: "TestChoice",
      input: "choice",
      problem: "choice: Required input is missing",
    },
  ]);
  const failing = {
    ...slowly(0),
    "2": { class_type: "TestFail", inputs: { image: ["1", 0], message: "no luck" } },
  };
  const failed = await ask({ prompts: failing, image });
  expect(failed.status).toBe(500);
  expect(failed.answer.error).toContain("node 2 (TestFail): no luck");

  expect((await ask({ prompts: slowly(50), image })).status).toBe(504);
  await waitFor("its graph is interrupted", async () => await isIdle(comfy.url));
});

test("a live stream has the rate that ComfyUI gives, the newest frame first, and changes its graph", async () => {
  await using comfy = new FakeComfy();
  await using server = await startServer(MAIN, ["--comfyui-url", comfy.url]);
  await enginePid(server.url);
  const stop = new AbortController();
  const { segments } = await WITH_SOUND.open();
  const [input_url, stream_url] = [`${server.url}/trickle/in`, `${server.url}/trickle/out`];
  const sender = await sendClip(input_url, segments, { seconds: 8, signal: stop.signal });
  const size = { width: 64, height: 64 };
  const { start, stream, params } = api(server.url);
  const id = await start({ stream_url, input_url, prompts: slowly(0.3), ...size });
  const output = collect(stream_url, stop.signal);
  await waitFor("frames have been dropped", async () => {
    const { stats } = await stream(id);
    return stats.frames_out > 10 && stats.frames_dropped > 10;
  });
  const { stats, status } = await stream(id);
  expect(status).toBe("active");
  expect(stats).toMatchObject({ model: "comfyui", execution_provider: "ComfyUI" });
  expect(stats.inference_ms.p50).toBeGreaterThan(300);
  // A frame waits for at most one run, and is in the next. The tenth of a queue would be 2.5 s late.
  expect(stats.latency_ms.p50).toBeLessThan(1500);

  const refused = await post(server, `/stream/${id}/params`, {
    prompts: { ...slowly(0), "9": { class_type: "FaceMeshNode", inputs: {} } },
  });
  expect(refused.status).toBe(400);
  expect(refused.answer.details).toMatchObject([{ node: "9", class_type: "FaceMeshNode" }]);
  await params(id, { prompts: slowly(0) });
  await waitFor("runs are fast", async () => (await stream(id)).stats.inference_ms.p50 < 150);
  await sender.sent;
  await sender.end();
  await output.ended;
  await waitFor("the stream has stopped", async () => (await stream(id)).status === "stopped");
  expect((await stream(id)).error).toBeUndefined();
  await waitFor("nothing is left in the queue", async () => await isIdle(comfy.url));
});

test("a new graph does not wait for the end of a long run", async () => {
  await using comfy = new FakeComfy();
  await using server = await startServer(MAIN, ["--comfyui-url", comfy.url]);
  await enginePid(server.url);
  const stop = new AbortController();
  const { segments } = await WITH_SOUND.open();
  const [input_url, stream_url] = [`${server.url}/trickle/in`, `${server.url}/trickle/out`];
  const sender = await sendClip(input_url, segments, { seconds: 8, signal: stop.signal });
  const { start, stream, params, stop: end } = api(server.url);
  const id = await start({ stream_url, input_url, prompts: slowly(2), width: 64, height: 64 });
  // The trial and the first frame; then it is known how long a run takes.
  await waitFor("the second frame is drawn", () => comfy.ran.length === 3);
  await params(id, { prompts: slowly(0) });
  const isTried = async () => (await queueOf(comfy.url)).waiting.length === 1;
  await waitFor("the new graph waits while that run goes on", isTried, 1500);
  await waitFor("it draws", async () => (await stream(id)).stats.inference_ms.p50 < 500);
  await end(id);
  await sender.end();
});

test("a server that ends interrupts its graphs, and leaves no frame in ComfyUI", async () => {
  await using comfy = new FakeComfy();
  await using server = await startServer(MAIN, ["--comfyui-url", comfy.url]);
  await enginePid(server.url);
  const { start } = api(server.url);
  const stop = new AbortController();
  const { segments } = await WITH_SOUND.open();
  const [input_url, stream_url] = [`${server.url}/trickle/in`, `${server.url}/trickle/out`];
  await sendClip(input_url, segments, { seconds: 8, signal: stop.signal });
  await start({ stream_url, input_url, prompts: slowly(1), width: 64, height: 64 });
  const frames = () => comfy.input.values().filter((bytes) => bytes.length > 100);
  await waitFor("a frame is there", () => comfy.ran.length > 1 && frames().some(() => true));
  server.kill("SIGTERM");
  expect(await server.exited).toBe(0);
  stop.abort();
  expect([...frames()]).toEqual([]);
  expect(await isIdle(comfy.url)).toBe(true);
});

test("a start is refused while ComfyUI is away", async () => {
  await using comfy = new FakeComfy();
  const { url } = comfy;
  await comfy[Symbol.asyncDispose]();
  await using server = await startServer(MAIN, [], { COMFYUI_URL: url });
  await enginePid(server.url);
  const stream_url = `${server.url}/trickle/out`;
  const { status, answer } = await post(server, "/stream/start", { stream_url, prompts: COLOUR });
  expect({ status, code: answer.code }).toEqual({ status: 503, code: "comfyui_unavailable" });
  expect(answer.error).toStartWith(
    `the ComfyUI at COMFYUI_URL (${url}): it refused the connection; the graph goes there because`,
  );
  expect(answer.details).toMatchObject([{ field: "prompts", class_type: expect.any(String) }]);
});
