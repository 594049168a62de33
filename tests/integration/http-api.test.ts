/** The seed's own lines, and what callers get who send something else. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { expectFailure } from "../support/expect-failure.ts";
import { testServer } from "../support/test-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

const LIVEPEER =
  "eyJyZXF1ZXN0IjogIntcInJ1blwiOiBcImVjaG9cIn0iLCAiY2FwYWJpbGl0eSI6ICJ0ZXh0LXJldmVyc2FsIiwgInRpbWVvdXRfc2Vjb25kcyI6IDMwfQ==";
const CHANNEL = "http://127.0.0.1:9/trickle/out";
const start = { prompts: [{ prompt: "AI generated content" }], stream_url: CHANNEL };

let server: ReturnType<typeof testServer>;
beforeAll(async () => {
  server = testServer();
  await server.scheduler.ready(5000);
});
afterAll(() => server.close());

const ask: ReturnType<typeof testServer>["ask"] = (...args) => server.ask(...args);

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
      usage: expect.anything(),
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
      usage: expect.anything(),
    });
    expect((await ask("GET", "/streams")).body.count).toBe(0);
    const ended = (await ask("GET", "/streams?all=1")).body.streams.at(-1);
    expect(ended).toMatchObject({ manifest_id: id, status: "stopped" });
    const { usage } = (await ask("DELETE", `/stream/${id}`)).body;
    expect(usage).toEqual(ended.usage);
    expect(usage.ended_at).toBeString();
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
    [
      "no prompts for a model that takes them",
      { stream_url: CHANNEL, model: "edges" },
      400,
      "invalid_request",
      "prompts is required by model edges",
    ],
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
      "prompts.0.prompt must be text of 1 to 10000 characters, or a ComfyUI graph, whose nodes have class_type, got ",
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
      "a ComfyUI graph that cannot run",
      { ...start, prompts: { "1": { class_type: "X" } } },
      400,
      "invalid_request",
      "names the class X",
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
    expect(
      server.store.list("all").some(({ spec }) => spec.output?.endpoint.url.includes("silent")),
    ).toBe(false);
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
