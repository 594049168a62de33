/** Parameters on their way to an engine, and data on its way back. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { pictureUri } from "../../src/engine/protocol/picture-uri.ts";
import { expectFailure } from "../support/expect-failure.ts";
import { dataOf, networkServer } from "../support/network-server.ts";
import { testServer } from "../support/test-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

const start = { model: "painter", prompts: "anything", stream_url: "http://127.0.0.1:9/trickle/d" };

let server: ReturnType<typeof testServer>;
beforeAll(async () => {
  server = testServer();
  await server.scheduler.ready(5000);
});
afterEach(async () => {
  for (const { id } of server.store.list("live")) await server.ask("DELETE", `/stream/${id}`);
});
afterAll(() => server.close());

/** A data URI of a picture of this many bytes, and how it is shown. */
function picture(bytes: number) {
  const file = new Uint8Array(bytes);
  file.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const shown = `data:image/png;base64,… (${(bytes / 1e6).toFixed(1)} MB)`;
  return { uri: pictureUri(file, "png"), shown };
}

/** The events of a stream as they arrive, until it ends. */
async function readEvents(id: string) {
  const response = await server.app.handle(new Request(`http://localhost/stream/${id}/data`));
  expect(response.status).toBe(200);
  // biome-ignore lint/suspicious/noExplicitAny: tests access any member
  const seen: any[] = [];
  const over = (async () => {
    for await (const chunk of response.body ?? []) {
      const text = new TextDecoder().decode(chunk);
      if (text.startsWith("data: ")) seen.push(JSON.parse(text.slice(6)));
    }
  })();
  return { seen, over };
}

test("an engine gets whole pictures, also the one that resumes; answers show their size", async () => {
  const { uri, shown } = picture(4_000_000);
  const { body } = await server.ask("POST", "/stream/start", {
    ...start,
    image: uri,
    style: { mosaic: 2, candy: 2 },
    preset: "bold",
  });
  expect(body.stream.params).toMatchObject({ image: shown, style: [0.5, 0.5], strength: 2 });
  const path = `/stream/${body.manifest_id}`;
  const { seen, over } = await readEvents(body.manifest_id);
  const received = () => seen.map(({ values }) => values.received);
  const whole = { image: uri.length, style: [0.5, 0.5], strength: 2 };

  await server.ask("POST", `${path}/params`, { outline: true, image: shown });
  await waitFor("the update", () => received().at(-1)?.outline);
  expect(received().at(-1)).toEqual({ ...whole, outline: true });
  expect(seen.at(-1).values.kept).toEqual({ names: ["image"] });
  const before = seen.length;

  await server.ask("POST", `${path}/params`, { prompts: "exit" });
  await server.ask("POST", `${path}/params`, { prompts: "on" });
  await waitFor("the next engine", async () => {
    const { stream } = (await server.ask("GET", `${path}/status`)).body;
    return stream.stats.restarts > 0 && seen.length > before + 1;
  });
  expect(received().at(-1)).toEqual({ ...whole, outline: true });

  await server.ask("DELETE", path);
  await over;
  const ended = await server.ask("GET", `${path}/status`);
  expect(ended.body.stream.params.image).toBe(shown);
  expect(JSON.stringify(server.store.get(body.manifest_id).params).length).toBeLessThan(1000);
});

test("a model that takes no prompts and can do without video needs neither", async () => {
  const { stream_url, model } = start;
  const started = await server.ask("POST", "/stream/start", { stream_url, model });
  expect(started.body.stream.metadata).toMatchObject({ prompts: [] });
  await server.ask("DELETE", `/stream/${started.body.manifest_id}`);
  const picture = await server.ask("POST", "/c/comfystream-image", { model, preset: "bold" });
  expect(picture.status).toBe(200);
  expect(picture.body.ignored).toBeUndefined();

  const needs = { model: "edges", prompts: "a cat" };
  const without = await server.ask("POST", "/c/comfystream-image", needs);
  expectFailure(without, 400, "invalid_request");
  expect(without.body.details[0].field).toBe("image");
  const wild = await server.ask("POST", "/c/comfystream-image", { model, preset: "wild" });
  expectFailure(wild, 400, "invalid_request");
  expect(wild.body.error).toContain("presets of model painter: bold");
  const unprompted = await server.ask("POST", "/c/comfystream-image", { model: "dreamscape" });
  expect(unprompted.body.details[0].field).toBe("prompts");
});

test("a model without video gets the picture of a request as its parameter", async () => {
  const { uri } = picture(5000);
  const made = await server.ask("POST", "/c/comfystream-image", { model: "painter", image: uri });
  expect(made.status).toBe(200);
  expect(made.body.ignored).toBeUndefined();
  const png = Buffer.from(made.body.images[0].data.split(",")[1], "base64").toString();
  expect(JSON.parse(png)).toMatchObject({ received: { image: uri.length }, hasFile: false });
  const bad = { model: "painter", image: "data:image/png;base64,AAAA" };
  const refused = await server.ask("POST", "/c/comfystream-image", bad);
  expectFailure(refused, 400, "invalid_request");
  expect(refused.body.details[0].field).toBe("image");
});

test("a model is listed with what its parameters, presets and data are", async () => {
  const { models } = (await server.ask("GET", "/models")).body;
  expect(models.find(({ name }: { name: string }) => name === "painter")).toMatchObject({
    license: "Apache-2.0",
    needs_video: false,
    takes_prompts: false,
    load_estimate_ms: 1500,
    presets: { bold: { strength: 2, style: [0, 1] } },
    data: ["received"],
    params: [
      { name: "strength", type: "number" },
      { name: "outline", type: "switch" },
      { name: "reset", type: "trigger" },
      { name: "style", type: "vector", entries: ["candy", "mosaic"], blend: true },
      { name: "image", type: "picture" },
    ],
  });
});

test("reports that come too fast are dropped and counted, and those that are too long", async () => {
  const { body } = await server.ask("POST", "/stream/start", start);
  const { seen, over } = await readEvents(body.manifest_id);
  const path = `/stream/${body.manifest_id}`;
  await server.ask("POST", `${path}/params`, { prompts: "data as fast as it can" });
  await waitFor("the newest", () => seen.at(-1)?.seconds === 999);
  // A thousand, one for the update itself, and one for the start if it had not been passed on yet.
  expect(seen.reduce((sum, { dropped }) => sum + dropped + 1, 0)).toBeOneOf([1001, 1002]);
  expect(JSON.stringify(seen)).not.toContain(body.manifest_id);

  const before = seen.length;
  await server.ask("POST", `${path}/params`, { prompts: "too much data" });
  await server.ask("POST", `${path}/params`, { prompts: "on" });
  await waitFor("the last", () => seen.length > before);
  await server.ask("DELETE", path);
  await over;
  expect(seen.slice(before).reduce((sum, { dropped }) => sum + dropped, 0)).toBeGreaterThan(0);
});

test("data are read of live streams only, by at most eight readers", async () => {
  expectFailure(await server.ask("GET", "/stream/none/data"), 404, "stream_not_found");
  const { body } = await server.ask("POST", "/stream/start", start);
  const path = `/stream/${body.manifest_id}`;
  for (let n = 0; n < 10; n++) {
    const head = await server.app.handle(
      new Request(`http://localhost${path}/data`, { method: "HEAD" }),
    );
    expect(head.headers.get("content-type")).toBe("text/event-stream");
  }
  const readers = [];
  for (let n = 0; n < 8; n++) readers.push(await readEvents(body.manifest_id));
  expectFailure(await server.ask("GET", `${path}/data`), 503, "at_capacity");
  await server.ask("DELETE", path);
  await Promise.all(readers.map(({ over }) => over));
  expectFailure(await server.ask("GET", `${path}/data`), 404, "stream_not_found");
});

test("an orchestrator's stream has its data on the data channel, and takes pictures by control", async () => {
  const net = await networkServer();
  try {
    const { id, data, urls, events } = await net.start({ params: { model: "painter" } });
    const received = () => dataOf(data).filter(({ type }) => type === "data");
    await waitFor("data of the start", () => received().length === 1);
    expect(received()[0]).toMatchObject({
      model: "painter",
      values: { received: {} },
      dropped: 0,
    });

    const { uri, shown } = picture(4_000_000);
    const update = JSON.stringify({ image: uri, style: "mosaic" });
    const control = {
      method: "POST",
      body: update,
      headers: { "content-type": "application/json" },
    };
    expect((await fetch(`${urls["control_url"]}/0`, control)).status).toBe(200);
    await waitFor("data of the update", () => received().length === 2);
    expect(received()[1].values.received).toEqual({ image: uri.length, style: [0, 1] });
    const changed = dataOf(data).find(({ type }) => type === "params_updated");
    expect(changed.params).toMatchObject({ image: shown, style: [0, 1] });
    expect(events.every(({ text }) => text.length < 5000)).toBeTrue();
    await net.end(id);
  } finally {
    await net.close();
  }
});
