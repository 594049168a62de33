import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { testServer } from "../support/test-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

const LIVEPEER =
  "eyJyZXF1ZXN0IjogIntcInJ1blwiOiBcImVjaG9cIn0iLCAiY2FwYWJpbGl0eSI6ICJ0ZXh0LXJldmVyc2FsIiwgInRpbWVvdXRfc2Vjb25kcyI6IDMwfQ==";
const CHANNEL = "http://127.0.0.1:9/trickle/out";
const start = { prompts: [{ prompt: "AI generated content" }], stream_url: CHANNEL };

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: unknown;
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

let server: ReturnType<typeof testServer>;
beforeAll(async () => {
  server = testServer();
  await server.pool.ready(5000);
});
afterAll(() => server.close());

const ask: ReturnType<typeof testServer>["ask"] = (...args) => server.ask(...args);

/** Every error has the contract's body. */
function expectFailure(answer: Awaited<ReturnType<typeof ask>>, status: number, code: string) {
  expect(answer.body).toMatchObject({ success: false, status: "error", code });
  expect(answer.status).toBe(status);
  expect(answer.body.error.length).toBeGreaterThan(5);
  expect(answer.body.message).toBe(answer.body.error);
}

describe("the seed's own lines", () => {
  test("text-reversal with the printed header", async () => {
    const answer = await ask(
      "POST",
      "/process/request/text-reversal",
      '{"text":"Hello, ComfyStream BYOC!"}',
      { "content-type": "application/json", livepeer: LIVEPEER },
    );
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      original: "Hello, ComfyStream BYOC!",
      reversed: "!COYB maertSyfmoC ,olleH",
    });
  });

  test("comfystream-video starts a stream and answers at once", async () => {
    const { body } = await ask(
      "POST",
      "/process/request/comfystream-video",
      {
        prompts: [{ prompt: "a beautiful landscape" }],
        stream_url: CHANNEL,
        width: 512,
        height: 512,
      },
      { livepeer: LIVEPEER },
    );
    expect(body).toEqual({
      success: true,
      manifest_id: expect.any(String),
      stream_url: CHANNEL,
      message: "Video processing pipeline started",
    });
    const { body: list } = await ask("GET", "/streams?nobody=knows");
    expect(list.streams[0].metadata).toEqual({
      width: 512,
      height: 512,
      capability: "comfystream-video",
    });
    await ask("DELETE", `/stream/${body.manifest_id}`);
  });

  test("start, list, status and stop", async () => {
    const started = await ask("POST", "/stream/start", { ...start, width: 512, height: 512 });
    const id = started.body.manifest_id;
    expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    const stream = {
      manifest_id: id,
      stream_url: CHANNEL,
      input_url: null,
      created_at: expect.stringMatching(/Z$/),
      status: "active",
      metadata: { width: 512, height: 512, prompts: [{ prompt: "AI generated content" }] },
      params: expect.objectContaining({ model: "dreamscape", width: 512, fps: 24 }),
      stats: expect.anything(),
    };
    expect(started.body).toEqual({ success: true, manifest_id: id, stream });
    expect((await ask("GET", "/streams")).body).toEqual({
      success: true,
      streams: [stream],
      count: 1,
    });
    expect((await ask("GET", `/stream/${id}/status`)).body).toEqual({ success: true, stream });
    expect((await ask("DELETE", `/stream/${id}`)).body).toEqual({
      success: true,
      manifest_id: id,
      message: "Stream stopped successfully",
    });
    expect((await ask("GET", "/streams")).body.count).toBe(0);
    expect((await ask("GET", "/streams?all=1")).body.streams.at(-1)).toMatchObject({
      manifest_id: id,
      status: "stopped",
    });
  });

  test("health gives status, active streams and a timestamp", async () => {
    const { status, body } = await ask("GET", "/health");
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: "IDLE", healthy: true, active_streams: 0, capacity: 4 });
    expect(body.timestamp).toMatch(/Z$/);
  });
});

describe("bad input gets a clear answer and nothing starts", () => {
  test.each<[string, unknown, number, string, string]>([
    ["no prompts", { stream_url: CHANNEL }, 400, "invalid_request", "prompts"],
    ["empty prompts", { ...start, prompts: [] }, 400, "invalid_request", "prompts"],
    ["no stream_url", { prompts: start.prompts }, 400, "invalid_request", "stream_url"],
    ["no members", {}, 400, "invalid_request", "prompts"],
    ["a URL that is none", { ...start, stream_url: "here" }, 400, "invalid_request", "stream_url"],
    ["a file", { ...start, stream_url: "file:///x" }, 400, "invalid_request", "stream_url"],
    [
      "credentials",
      { ...start, stream_url: "http://a:b@1.1.1.1/x" },
      400,
      "invalid_request",
      "credentials",
    ],
    [
      "a private host",
      { ...start, stream_url: "http://10.0.0.1/x" },
      400,
      "refused_host",
      "--allow",
    ],
    ["a private input", { ...start, input_url: "http://10.0.0.1/x" }, 400, "refused_host", "input"],
    [
      "its own output as input",
      { ...start, input_url: `${CHANNEL}/` },
      400,
      "invalid_request",
      "input_url",
    ],
    [
      "a prompt of megabytes",
      { ...start, prompts: [{ prompt: "x".repeat(10_001) }] },
      400,
      "invalid_request",
      "prompts.0.prompt must be text of 1 to 10000 characters, got ",
    ],
    [
      "a thousand prompts",
      { ...start, prompts: Array.from({ length: 1000 }, () => "x") },
      400,
      "invalid_request",
      "a list of 1 to 64",
    ],
    [
      "one wrong member of one prompt",
      { ...start, prompts: ["x", { prompt: "y", weight: "heavy" }] },
      400,
      "invalid_request",
      JSON.stringify({ field: "prompts.1.weight", problem: 'must be a number, got "heavy"' }),
    ],
    ["an odd size", { ...start, width: 511, height: 512 }, 400, "invalid_request", "width"],
    ["a huge size", { ...start, width: 512, height: 9000 }, 400, "invalid_request", "height"],
    ["one size", { ...start, width: 512 }, 400, "invalid_request", "height"],
    ["text for a number", { ...start, fps: "24" }, 400, "invalid_request", "fps"],
    ["a number for a text", { ...start, model: 5 }, 400, "invalid_request", "model"],
    ["an unknown model", { ...start, model: "none" }, 400, "unknown_model", "restyle"],
    [
      "a ComfyUI graph",
      { ...start, prompts: { "1": { class_type: "X" } } },
      400,
      "invalid_request",
      "ComfyUI",
    ],
    ["a bad container", { ...start, container: "avi" }, 400, "invalid_request", "container"],
    ["no JSON", "{", 400, "invalid_request", "JSON"],
    ["a list", [], 400, "invalid_request", "object"],
    ["nothing", "", 400, "invalid_request", "object"],
    [
      "a channel that refuses",
      { ...start, stream_url: `${CHANNEL}/refuse` },
      400,
      "channel_refused",
      "404",
    ],
    [
      "a silent channel",
      { ...start, stream_url: `${CHANNEL}/silent` },
      400,
      "channel_refused",
      "2 s",
    ],
    ["a body too large", `"${"x".repeat(12 * 1024 * 1024)}"`, 413, "body_too_large", "bytes"],
  ])("%s", async (_case, body, status, code, names) => {
    const answer = await ask("POST", "/stream/start", body);
    expectFailure(answer, status, code);
    expect(JSON.stringify(answer.body)).toContain(names);
    await waitFor("nothing to be left", () => server.store.liveCount === 0);
    expect(server.store.list("all").some(({ spec }) => spec.output?.url.includes("silent"))).toBe(
      false,
    );
  });

  test.each<[string, string, unknown, number, string]>([
    ["an unknown capability", "POST /process/request/nothing", {}, 404, "unknown_capability"],
    ["an unknown capability of a network", "POST /c/nothing", {}, 404, "unknown_capability"],
    [
      "an unknown stream's status",
      "GET /stream/nothing/status",
      undefined,
      404,
      "stream_not_found",
    ],
    ["an unknown stream's stop", "DELETE /stream/nothing", undefined, 404, "stream_not_found"],
    ["an unknown stream's params", "POST /stream/nothing/params", {}, 404, "stream_not_found"],
    ["an unknown route", "GET /no/such/route", undefined, 404, "not_found"],
    ["a route's wrong method", "GET /stream/start", undefined, 405, "method_not_allowed"],
    ["a capability's wrong method", "GET /text-reversal", undefined, 405, "method_not_allowed"],
    ["an operator's route's wrong method", "POST /health", {}, 405, "method_not_allowed"],
    ["a path that cannot be decoded", "GET /stream/%FF/status", undefined, 400, "invalid_request"],
    ["a job without text", "POST /text-reversal", {}, 400, "invalid_request"],
    ["a job with a number", "POST /text-reversal", { text: 5 }, 400, "invalid_request"],
    ["a video job of a network", "POST /c/comfystream-video", start, 400, "invalid_request"],
  ])("%s", async (_case, route, body, status, code) => {
    const [method = "", path = ""] = route.split(" ");
    expectFailure(await ask(method, path, body, { livepeer: LIVEPEER }), status, code);
  });

  test("the seed's route wants the Livepeer header, and a whole one", async () => {
    const path = "/process/request/text-reversal";
    expectFailure(await ask("POST", path, { text: "x" }), 400, "invalid_request");
    const cut = await ask("POST", path, { text: "x" }, { livepeer: LIVEPEER.slice(0, 21) });
    expectFailure(cut, 400, "invalid_request");
    expect(cut.body.details[0].field).toBe("Livepeer");
  });

  test("a server that is full answers 503", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 4; n++) {
      const own = { ...start, stream_url: `${CHANNEL}/${n}` };
      const { body } = await ask("POST", "/stream/start", own);
      ids.push(body.manifest_id);
    }
    expectFailure(await ask("POST", "/stream/start", start), 503, "at_capacity");
    await Promise.all(ids.map((id) => ask("DELETE", `/stream/${id}`)));
    expect(server.store.liveCount).toBe(0);
  });
});

test("a channel takes one stream; the next one waits for the last of the first", async () => {
  const { body } = await ask("POST", "/stream/start", start);
  const second = await ask("POST", "/stream/start", start);
  expectFailure(second, 400, "invalid_request");
  expect(second.body.details[0].field).toBe("stream_url");
  expect(second.body.error).toContain(body.manifest_id);
  expect(server.store.liveCount).toBe(1);
  server.store.stop(body.manifest_id);
  const next = await ask("POST", "/stream/start", start);
  expect(next.status).toBe(200);
  await ask("DELETE", `/stream/${next.body.manifest_id}`);
});

test("a model that came while the engine runs is found", async () => {
  // A server of its own: nobody has asked this one's engine for its models yet.
  const fresh = testServer();
  try {
    await fresh.pool.ready(5000);
    const { body, status } = await fresh.ask("POST", "/stream/start", { ...start, model: "late" });
    expect(status).toBe(200);
    expect(body.stream.stats.model).toBe("late");
    const never = await fresh.ask("POST", `/stream/${body.manifest_id}/params`, { model: "never" });
    expectFailure(never, 400, "unknown_model");
  } finally {
    await fresh.close();
  }
});

test("a stream that has ended takes no parameters", async () => {
  const { body } = await ask("POST", "/stream/start", start);
  await ask("DELETE", `/stream/${body.manifest_id}`);
  const late = await ask("POST", `/stream/${body.manifest_id}/params`, { prompts: "y" });
  expectFailure(late, 400, "invalid_request");
  expect(late.body.error).toContain("has ended");
});

test("members that nobody knows are named in few words", async () => {
  const strange = Object.fromEntries(
    Array.from({ length: 100 }, (_, n) => [`${n}`.repeat(500), 1]),
  );
  const { body } = await ask("POST", "/stream/start", { ...start, ...strange });
  expect(JSON.stringify(body.ignored).length).toBeLessThan(3000);
  expect(body.ignored.at(-1)).toBe("… and 68 more");
  await ask("DELETE", `/stream/${body.manifest_id}`);
});

test("parameters change while the stream runs; those that cannot are named", async () => {
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

test("a job that takes too long is a 504 in JSON", async () => {
  const slow = testServer({ batchTimeoutMs: 50 });
  try {
    await slow.pool.ready(5000);
    const body = { ...start, stream_url: `${CHANNEL}/silent` };
    const headers = { livepeer: LIVEPEER };
    const answer = await slow.ask("POST", "/process/request/comfystream-video", body, headers);
    expectFailure(answer, 504, "timeout");
  } finally {
    await slow.close();
  }
});

test("models, versions and the API's description are there, and the page asks no other host", async () => {
  const models = (await ask("GET", "/models")).body;
  expect(models).toMatchObject({ success: true, count: 4 });
  expect((await ask("GET", "/version")).body).toMatchObject({ success: true, version: "0.0.0" });
  const api = (await ask("GET", "/openapi/json")).body;
  expect(Object.keys(api.paths)).toContain("/stream/{id}/params");
  const schema = api.paths["/stream/start"].post.requestBody.content["application/json"].schema;
  expect(Object.keys(schema.properties)).toContain("stream_url");
  for (const path of ["/openapi", "/"]) {
    const page: string = (await ask("GET", path)).body;
    expect(page).toContain("<html");
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
  }
  for (const path of ["/openapi/viewer.js", "/openapi/viewer.css"])
    expect((await ask("GET", path)).status).toBe(200);
});

test("every route of the API's description has a group, a text, its token and its failures in words", async () => {
  const api = (await ask("GET", "/openapi/json")).body;
  const tags = api.tags.map(({ name }: { name: string }) => name);
  const open = ["/health", "/version"];
  for (const [path, methods] of Object.entries<Record<string, Operation>>(api.paths))
    for (const [method, described] of Object.entries(methods)) {
      const what = `${method} ${path}`;
      expect([what, described.summary?.length]).toEqual([what, expect.any(Number)]);
      expect(tags).toContain(described.tags?.[0]);
      expect([what, described.security]).toEqual([
        what,
        open.includes(path) ? [] : [{ token: [] }],
      ]);
      const texts = Object.values(described.responses).map(({ description }) => description);
      expect([what, texts]).toEqual([
        what,
        expect.not.arrayContaining([expect.stringMatching(/^Response for|^$/)]),
      ]);
      if (!open.includes(path)) expect(Object.keys(described.responses)).toContain("403");
    }
  expect(Object.keys(api.paths["/{capability}"].post.responses)).toEqual([
    "200",
    "400",
    "401",
    "403",
    "404",
    "413",
    "503",
    "504",
  ]);
});

test("any origin may call, without credentials; a preflight needs no token", async () => {
  const guarded = testServer({ tokens: { api: "secret" } });
  try {
    const origin = { origin: "https://app.example" };
    const preflight = await guarded.ask("OPTIONS", "/stream/start", undefined, {
      ...origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type, livepeer",
    });
    expect(preflight.status).toBeLessThan(300);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
    expect(preflight.headers.get("access-control-allow-headers")).toContain("Livepeer");
    expect(preflight.headers.get("access-control-allow-credentials")).toBeNull();
    const refused = await guarded.ask("GET", "/streams", undefined, origin);
    expectFailure(refused, 403, "forbidden");
    expect(refused.headers.get("access-control-allow-origin")).toBe("*");
    const wrong = { ...origin, authorization: "Bearer nope" };
    expectFailure(await guarded.ask("GET", "/streams", undefined, wrong), 401, "unauthorized");
    const right = { authorization: "Bearer secret" };
    expect((await guarded.ask("GET", "/streams", undefined, right)).status).toBe(200);
    const job = await guarded.ask("POST", "/process/request/text-reversal", { text: "ab" }, right);
    expect(job.body.reversed).toBe("ba");
  } finally {
    await guarded.close();
  }
});
