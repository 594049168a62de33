/** A model's parameters and data outputs from the API to the tensors and back, with a real engine. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { GraphBuilder } from "../../src/engine/models/graph-builder.ts";
import { pictureUri } from "../../src/engine/protocol/picture-uri.ts";
import { pngFile, quarters, type Rgb } from "../support/image-files.ts";
import { enginePid } from "../support/live-stream.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(60_000);

/** Passes the frame through, and reports the mean colour of a picture, a vector and a number. */
function mirrorOfParams(): Uint8Array {
  const graph = new GraphBuilder();
  const frame = graph.input("x", "uint8", [1, 3, 64, 64]);
  const sample = graph.cast(graph.input("sample", "uint8", [1, 3, 16, 16]), "float32");
  const style = graph.input("style", "float32", [3]);
  const strength = graph.input("strength", "float32", [1]);
  const shape = graph.constant("int64", [1], [3]);
  const colour = graph.node("Reshape", [graph.node("GlobalAveragePool", [sample]), shape]);
  const all = graph.node("Concat", [colour, strength], { axis: 0n });
  graph.output("y", graph.node("Identity", [frame]), "uint8", [1, 3, 64, 64]);
  graph.output("numbers", all, "float32", [4]);
  graph.output("weights", graph.node("Identity", [style]), "float32", [3]);
  return graph.build("mirror of parameters");
}

const json = {
  license: "MIT",
  inputs: {
    x: { role: "frame", optional: true },
    sample: { role: "image", name: "picture" },
    style: { role: "vector", name: "style", entries: ["candy", "mosaic", "rain"], blend: true },
    strength: { role: "param", name: "strength", default: 1, min: 0, max: 2 },
  },
  outputs: {
    y: { role: "image" },
    numbers: { role: "data" },
    weights: { role: "data", labels: ["candy", "mosaic", "rain"] },
  },
  presets: { bold: { strength: 2, style: [0, 0, 1] } },
};

let server: ServerProcess;
let workspace: OnnxWorkspace;
beforeAll(async () => {
  workspace = await OnnxWorkspace.create();
  await workspace.add("reporter", json, mirrorOfParams());
  server = await startServer(MAIN, ["--workspace", workspace.path]);
  await enginePid(server.url);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
});

async function ask(method: string, path: string, body?: object) {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { "content-type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests access any member
  return { status: response.status, body: (await response.json()) as any };
}

/** The newest event of a stream's data, from now on. */
async function dataOf(id: string) {
  const stop = new AbortController();
  const response = await fetch(`${server.url}/stream/${id}/data`, { signal: stop.signal });
  // biome-ignore lint/suspicious/noExplicitAny: tests access any member
  const newest: { event: any } = { event: null };
  const over = (async () => {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      const events = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
      rest = events.pop() ?? "";
      for (const text of events)
        if (text.startsWith("data: ")) newest.event = JSON.parse(text.slice(6));
    }
  })();
  return { newest, over };
}

const plain = async (colour: Rgb) =>
  pictureUri(await pngFile(quarters(64, 64, [colour, colour, colour, colour])), "png");

test("what callers set reaches the model, and what the model says reaches readers", async () => {
  const started = await ask("POST", "/stream/start", {
    model: "reporter",
    stream_url: `${server.url}/trickle/reporter`,
    fps: 10,
    style: { candy: 3, rain: 1 },
  });
  expect(started).toMatchObject({ status: 200 });
  const path = `/stream/${started.body.manifest_id}`;
  const { newest, over } = await dataOf(started.body.manifest_id);
  const weights = () =>
    Object.fromEntries(
      (newest.event?.values.weights ?? []).map(
        ({ label, score }: { label: string; score: number }) => [label, score],
      ),
    );
  await waitFor("data", () => newest.event !== null);
  expect(newest.event).toMatchObject({
    type: "data",
    model: "reporter",
    seconds: expect.any(Number),
    dropped: 0,
  });
  expect(weights()).toEqual({ candy: 0.75, mosaic: 0, rain: 0.25 });
  expect(newest.event.values.numbers[3]).toBe(1);

  const changed = await ask("POST", `${path}/params`, {
    picture: await plain([200, 40, 80]),
    style: "mosaic",
    strength: 0.5,
  });
  expect(changed.status).toBe(200);
  await waitFor("the picture", () => Math.abs(newest.event.values.numbers[0] - 200) < 2);
  const [, green, blue, strength] = newest.event.values.numbers;
  expect([Math.abs(green - 40) < 2, Math.abs(blue - 80) < 2, strength]).toEqual([true, true, 0.5]);
  expect(weights()).toEqual({ candy: 0, mosaic: 1, rain: 0 });

  await ask("POST", `${path}/params`, { preset: "bold" });
  await waitFor("the preset", () => newest.event.values.numbers[3] === 2);
  expect(weights()).toEqual({ candy: 0, mosaic: 0, rain: 1 });
  expect(Math.abs(newest.event.values.numbers[0] - 200)).toBeLessThan(2);

  await ask("DELETE", path);
  await over;
});

test("the model is listed as its folder describes it", async () => {
  const { models } = (await ask("GET", "/models")).body;
  expect(models.find(({ name }: { name: string }) => name === "reporter")).toMatchObject({
    license: "MIT",
    needs_video: false,
    takes_prompts: false,
    presets: { bold: { strength: 2, style: [0, 0, 1] } },
    data: ["numbers", "weights"],
  });
});

test("what a graph's nodes say reaches readers by their ids, also those that come later", async () => {
  const graph = {
    "1": { class_type: "EmptyImage", inputs: { width: 64, height: 64, batch_size: 1, color: 0 } },
    "2": { class_type: "SaveTensor", inputs: { images: ["1", 0] } },
    "3": { class_type: "PrimitiveString", inputs: { value: "a cat" } },
    "4": { class_type: "SaveTextTensor", inputs: { data: ["3", 0] } },
  };
  const stream_url = `${server.url}/trickle/said`;
  const started = await ask("POST", "/stream/start", { prompts: graph, stream_url, fps: 5 });
  expect(started.body).toMatchObject({ success: true });
  const id: string = started.body.manifest_id;
  // The graph ran once, for its first frame; whoever comes later wants its texts, too.
  const frames = async () =>
    (await ask("GET", `/stream/${id}/status`)).body.stream.stats.frames_out;
  await waitFor("frames", async () => (await frames()) > 2);
  const { newest, over } = await dataOf(id);
  await waitFor("the text", () => newest.event?.values["4"]?.text === "a cat");
  await ask("DELETE", `/stream/${id}`);
  await over;
});
