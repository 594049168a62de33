/** The life of streams as callers of the API see it. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { expectFailure } from "../support/expect-failure.ts";
import { testServer } from "../support/test-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

const CHANNEL = "http://127.0.0.1:9/trickle/out";
const start = { prompts: [{ prompt: "AI generated content" }], stream_url: CHANNEL };

let server: ReturnType<typeof testServer>;
beforeAll(async () => {
  server = testServer();
  await server.scheduler.ready(5000);
});
afterAll(() => server.close());

const ask: ReturnType<typeof testServer>["ask"] = (...args) => server.ask(...args);

test("a channel takes one stream; a second one waits until the first has released it", async () => {
  const { body } = await ask("POST", "/stream/start", start);
  const second = await ask("POST", "/stream/start", start);
  expectFailure(second, 400, "invalid_request");
  expect(second.body.details[0].field).toBe("stream_url");
  expect(second.body.error).toContain("another live stream");
  expect(second.body.error).not.toContain(body.manifest_id);
  expect(server.store.liveCount).toBe(1);
  server.store.stop(body.manifest_id);
  const next = await ask("POST", "/stream/start", start);
  expect(next.status).toBe(200);
  await ask("DELETE", `/stream/${next.body.manifest_id}`);
});

test("a model added while the engine runs is found", async () => {
  // A server of its own: nobody has asked this one's engine for its models yet.
  const fresh = testServer();
  try {
    await fresh.scheduler.ready(5000);
    const { body, status } = await fresh.ask("POST", "/stream/start", { ...start, model: "late" });
    expect(status).toBe(200);
    expect(body.stream.stats.model).toBe("late");
    const never = await fresh.ask("POST", `/stream/${body.manifest_id}/params`, { model: "never" });
    expectFailure(never, 400, "unknown_model");
  } finally {
    await fresh.close();
  }
});

test("parameters of an ended stream cannot be changed", async () => {
  const { body } = await ask("POST", "/stream/start", start);
  await ask("DELETE", `/stream/${body.manifest_id}`);
  const late = await ask("POST", `/stream/${body.manifest_id}/params`, { prompts: "y" });
  expectFailure(late, 400, "invalid_request");
  expect(late.body.error).toContain("has ended");
});

test("unknown members are listed, shortened", async () => {
  const strange = Object.fromEntries(
    Array.from({ length: 100 }, (_, n) => [`${n}`.repeat(500), 1]),
  );
  const { body } = await ask("POST", "/stream/start", { ...start, ...strange });
  expect(JSON.stringify(body.ignored).length).toBeLessThan(3000);
  expect(body.ignored.at(-1)).toBe("… and 68 more");
  await ask("DELETE", `/stream/${body.manifest_id}`);
});

test("parameters change while the stream runs; fixed ones are refused by name", async () => {
  const { body } = await ask("POST", "/stream/start", { ...start, colour: "red" });
  expect(body.ignored).toEqual(["colour"]);
  const path = `/stream/${body.manifest_id}/params`;
  const changed = await ask("POST", path, { model: "edges", strength: 1.5, width: 64, height: 64 });
  expect(changed.body.stream.metadata).toMatchObject({ width: 64, height: 64 });
  await waitFor("the engine to have it", async () => {
    const now = await ask("GET", `/stream/${body.manifest_id}/status`);
    return now.body.stream.stats.model === "edges";
  });
  expectFailure(await ask("POST", path, { strength: 9 }), 400, "invalid_request");
  expectFailure(await ask("POST", path, { container: "mpegts" }), 400, "invalid_request");
  await ask("DELETE", `/stream/${body.manifest_id}`);
});

test("an orchestrator's stream is named by X-Stream-Id; stops come twice and with any body", async () => {
  const headers = { "x-stream-id": "gw-1" };
  const body = {
    gateway_request_id: "gw-1",
    publish_url: "http://127.0.0.1:9/ai/trickle/gw-1-out",
    params: '{"prompts": "x"}',
  };
  const started = await ask("POST", "//stream/start", body, headers);
  expect(started.body).toMatchObject({ success: true, status: "success", request_id: "gw-1" });
  const again = await ask("POST", "/c/comfystream-video/stream/start", body, headers);
  expect(again.status).toBe(200);
  expect((await ask("POST", "/stream/params", { fps: 5 }, headers)).body.status).toBe("success");
  expect((await ask("GET", "/stream/status", undefined, headers)).body.status).toBe("OK");
  expect((await ask("POST", "/stream/stop", "some words", headers)).status).toBe(200);
  expect((await ask("POST", "/stream/stop", undefined, headers)).status).toBe(200);
  expectFailure(await ask("POST", "/stream/stop"), 400, "invalid_request");
  expect(server.store.liveCount).toBe(0);
  const stray = { ...body, publish_url: "http://127.0.0.1:9/ai/trickle/other-out" };
  expectFailure(await ask("POST", "/stream/start", stray, headers), 400, "refused_host");
});

test("a peer that vanishes later turns the stream to error, and the server lives", async () => {
  const { body } = await ask("POST", "/stream/start", start);
  await ask("POST", `/stream/${body.manifest_id}/params`, { prompts: "lose output" });
  await waitFor("the end", () => server.store.liveCount === 0);
  const { stream } = (await ask("GET", `/stream/${body.manifest_id}/status`)).body;
  expect(stream).toMatchObject({ status: "error", error: "the channel is gone" });
  expect((await ask("GET", "/health")).body.status).toBe("IDLE");
});

test("an engine that dies costs the stream nothing but a restart", async () => {
  const { body } = await ask("POST", "/stream/start", start);
  const path = `/stream/${body.manifest_id}`;
  await ask("POST", `${path}/params`, { prompts: "exit" });
  await ask("POST", `${path}/params`, { prompts: "on" });
  await waitFor("the restart", async () => {
    const { stream } = (await ask("GET", `${path}/status`)).body;
    return stream.stats.restarts >= 1 && stream.stats.segments_out >= 2;
  });
  expect((await ask("GET", `${path}/status`)).body.stream.status).toBe("active");
  await ask("DELETE", path);
});
