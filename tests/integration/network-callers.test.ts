/** The ways in which callers name a stream and reach its routes (protocol.md 1.5, 1.6, 7.1, 9). */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { newId } from "../support/network-server.ts";
import { testServer } from "../support/test-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

let server: ReturnType<typeof testServer>;
beforeAll(async () => {
  server = testServer();
  await server.scheduler.ready(5000);
});
afterAll(() => server.close());

const live = () => server.store.list("live").map(({ id }) => id);
const begin = async (id = newId(), path = "/stream/start") => {
  const answer = await server.ask("POST", path, { gateway_request_id: id, params: null });
  expect([answer.status, answer.body.manifest_id]).toEqual([200, id]);
  return id;
};
const byHeader = (id: string) => ({ "X-Stream-Id": id });

describe.each(["", "/", "/api", "/process/request", "/c/comfystream-video", "/c/any-name"])(
  "below %p",
  (base) => {
    test.each(["stream/start", "live-video-to-video"])(
      "%s, params, status and stop",
      async (word) => {
        const id = await begin(newId(), `${base}/${word}`);
        const params = await server.ask(
          "POST",
          `${base}/stream/params`,
          { fps: 7 },
          { ...byHeader(id), "content-type": "" },
        );
        expect([params.status, server.store.get(id).params.fps]).toEqual([200, 7]);
        const status = await server.ask("GET", `${base}/stream/status`, undefined, byHeader(id));
        expect(status.body).toMatchObject({ current_params: { gateway_request_id: id } });
        const stopped = await server.ask("POST", `${base}/stream/stop`, undefined, byHeader(id));
        expect([stopped.status, live()]).toEqual([200, []]);
      },
    );
  },
);

test.each(["café-日本", "a/b ü?#%", "\u00e9"])(
  "the stream %s is one in header, body and channels",
  async (name) => {
    const id = `${name}-${newId()}`;
    const header = byHeader(Buffer.from(id).toString("latin1"));
    const control_url = `http://127.0.0.1:1/trickle/${encodeURIComponent(`${id}-control`)}`;
    const body = { gateway_request_id: id, control_url };
    expect((await server.ask("POST", "/stream/start", body, header)).status).toBe(200);
    expect(live()).toEqual([id]);
    expect((await server.ask("POST", "/stream/params", { fps: 7 }, header)).status).toBe(200);
    expect((await server.ask("POST", "/stream/stop", undefined, header)).status).toBe(200);
    expect(live()).toEqual([]);
  },
);

test("an id in Latin-1 is read as Latin-1", async () => {
  const id = await begin("caf\u00e9");
  expect((await server.ask("POST", "/stream/stop", undefined, byHeader(id))).status).toBe(200);
  expect(live()).toEqual([]);
});

/** Level and error of everything that is logged during `work`. */
async function logged(work: () => Promise<unknown>): Promise<string[]> {
  const seen: string[] = [];
  const take = ({ level, message, properties }: LogRecord) =>
    void seen.push(`${level} ${properties["error"] ?? message.join("")}`);
  const loggers = [
    { category: "byoc", sinks: ["seen"] },
    { category: ["logtape", "meta"], sinks: [] },
  ];
  await configure({ reset: true, sinks: { seen: take }, loggers });
  await work();
  await reset();
  return seen;
}

test("a refused start of an orchestrator is logged for the operator", async () => {
  const start = (body: object) => server.ask("POST", "/stream/start", body, byHeader("told"));
  const seen = await logged(async () => {
    expect((await start({ control_url: "http://10.0.0.1/told-control" })).status).toBe(400);
    expect((await start({ gateway_request_id: "told", params: 5 })).status).toBe(400);
  });
  expect(seen).toEqual([
    "warning control_url: http://10.0.0.1 is not the scheme, host and port of an ORCH_URL; an operator can allow it with --allow-hosts",
    "info params must be an object, or JSON text of one, got …", // what a caller has sent is not logged
  ]);
});

test("a job without a place or past its deadline is logged; a caller's own mistake is not", async () => {
  const own = testServer({ maxStreams: 1, batchTimeoutMs: 50 });
  await own.scheduler.ready(5000);
  const ask = async (body: object) => (await own.ask("POST", "/comfystream-image", body)).status;
  const seen = await logged(async () => {
    expect(await ask({ prompt: "x", model: "none" })).toBe(400);
    expect(await ask({ prompt: "hold" })).toBe(504);
    using _taken = own.admission.take();
    expect(await ask({ prompt: "x" })).toBe(503);
  }).finally(() => own.close());
  expect(seen).toEqual([
    "info the job took longer than 50 ms (--batch-timeout)",
    "warning start refused: all places are taken",
    expect.stringMatching(/^info all 1 places for streams and jobs are taken/),
  ]);
});

test("a stop by X-Stream-Id does not wait for its body", async () => {
  const id = await begin();
  const body = new ReadableStream({ pull: () => new Promise(() => {}) });
  const init = { method: "POST", body, headers: byHeader(id) };
  const answer = server.app.handle(new Request("http://localhost/stream/stop", init));
  await waitFor("its end", () => live().length === 0, 2000);
  expect((await answer).status).toBe(200);
});

describe("a caller without X-Stream-Id", () => {
  test.each(["gateway_request_id", "stream_id", "manifest_id", "request_id"])(
    "names its stream by %s, beside another that lives",
    async (member) => {
      const [id, other] = [await begin(), await begin()];
      const update = { [member]: id, max_framerate: "9" };
      expect((await server.ask("POST", "/stream/params", update)).status).toBe(200);
      expect(server.store.get(id).params.fps).toBe(9);
      const stop = await server.ask("POST", "/stream/stop", { [member]: id });
      expect([stop.status, live()]).toEqual([200, [other]]);
      await server.ask("POST", "/stream/stop", { [member]: other });
    },
  );

  test("means the only live stream; with none or two it must name one", async () => {
    const id = await begin();
    expect((await server.ask("POST", "/stream/params", { fps: 5 })).status).toBe(200);
    expect(server.store.get(id).params.fps).toBe(5);
    const other = await begin();
    for (const body of [undefined, "words", {}])
      expect((await server.ask("POST", "/stream/stop", body)).status).toBe(400);
    expect(live()).toEqual([id, other]);
    await server.ask("POST", "/stream/stop", "words", byHeader(other));
    expect((await server.ask("POST", "/stream/stop", "words")).status).toBe(200);
    expect(live()).toEqual([]);
    expect((await server.ask("POST", "/stream/stop")).status).toBe(400);
  });
});

test("X-Stream-Id wins over an id in the body", async () => {
  const [id, other] = [await begin(), await begin()];
  const body = { gateway_request_id: other };
  expect((await server.ask("POST", "/stream/stop", body, byHeader(id))).status).toBe(200);
  expect(live()).toEqual([other]);
  await server.ask("POST", "/stream/stop", body);
});

test.each(["start", "stop", "params", "status"])(
  "%s is an id like any other: the words of a path decide nothing",
  async (name) => {
    const id = await begin(name);
    const other = await begin();
    const status = await server.ask("GET", `/stream/${id}/status`);
    expect(status.body.stream.manifest_id).toBe(id);
    expect((await server.ask("POST", `/stream/${id}/params`, { fps: 7 })).status).toBe(200);
    expect(server.store.get(id).params.fps).toBe(7);
    expect((await server.ask("DELETE", `/stream/${id}`)).status).toBe(200);
    expect(live()).toEqual([other]);
    await server.ask("POST", "/stream/stop", undefined, byHeader(other));
  },
);

test("an update of an unknown stream is a 404, a bad one a 400", async () => {
  const update = (body: unknown, id: string) =>
    server.ask("POST", "/stream/params", body, byHeader(id));
  expect(await update({ fps: 5 }, "nobody")).toMatchObject({ status: 404 });
  const id = await begin();
  for (const body of ["{", { fps: 100 }, { params: "{" }, [1]])
    expect(await update(body, id)).toMatchObject({ status: 400, body: { success: false } });
  expect(await update({ params: { fps: 6 } }, id)).toMatchObject({ status: 200 });
  expect(server.store.get(id).params.fps).toBe(6);
  await server.ask("POST", "/stream/stop", undefined, byHeader(id));
});

test("an engine that cannot run is ERROR in health and in pytrickle's status", async () => {
  const broken = testServer({ engine: "dies" });
  try {
    await waitFor("it is broken", () => broken.scheduler.state === "broken");
    expect(await broken.ask("GET", "/health")).toMatchObject({
      status: 503,
      body: { status: "ERROR", healthy: false },
    });
    expect((await broken.ask("GET", "/stream/status")).body).toMatchObject({
      status: "ERROR",
      state: "ERROR",
      pipeline_ready: false,
    });
  } finally {
    await broken.close();
  }
});

test("a capability registered with the seed's path needs no Livepeer header when its token is sent", async () => {
  const own = testServer({ tokens: { capability: "C" } });
  try {
    await own.scheduler.ready(5000);
    const bearer = { authorization: "Bearer C" };
    const job = (headers: object) =>
      own.ask("POST", "/process/request/text-reversal", { text: "abc" }, headers);
    expect((await job(bearer)).body).toEqual({ original: "abc", reversed: "cba" });
    expect((await job({})).status).toBe(403);
    expect((await job({ authorization: "Bearer old" })).status).toBe(401);
    const start = { gateway_request_id: newId() };
    const stream = await own.ask("POST", "/process/request/stream/start", start, bearer);
    expect(stream.status).toBe(200);
  } finally {
    await own.close();
  }
});

describe("a stream that is not named, where callers have tokens", () => {
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const STREAM = { prompts: "x", stream_url: "http://127.0.0.1:9/trickle/unnamed" };

  test.each([
    ["an API_TOKEN and a CAPABILITY_TOKEN", { api: "A", capability: "C" }],
    ["a CAPABILITY_TOKEN, and the orchestrator on this machine", { capability: "C" }],
  ])("is no orchestrator's to stop, change or see: %s", async (_title, tokens) => {
    const own = testServer({ tokens });
    try {
      await own.scheduler.ready(5000);
      const started = await own.ask("POST", "/stream/start", STREAM, bearer("C"));
      expect(started.status).toBe(200);
      for (const path of ["/stream/stop", "/stream/params", "/c/any/stream/stop"])
        expect(await own.ask("POST", path, {}, bearer("C"))).toMatchObject({
          status: 400,
          body: { error: "name the stream with X-Stream-Id" },
        });
      const seen = await own.ask("GET", "/stream/status", undefined, bearer("C"));
      expect(seen.body.stream).toBeUndefined();
      expect(own.store.liveCount).toBe(1);
    } finally {
      await own.close();
    }
  });

  test("is the operator's to stop, change and see", async () => {
    const own = testServer({ tokens: { api: "A", capability: "C" } });
    try {
      await own.scheduler.ready(5000);
      const { body } = await own.ask("POST", "/stream/start", STREAM, bearer("A"));
      const id = body.manifest_id;
      const seen = await own.ask("GET", "/stream/status", undefined, bearer("A"));
      expect(seen.body.stream.manifest_id).toBe(id);
      const changed = await own.ask("POST", "/stream/params", { fps: 5 }, bearer("A"));
      expect([changed.status, own.store.get(id).params.fps]).toEqual([200, 5]);
      expect((await own.ask("POST", "/stream/stop", {}, bearer("A"))).status).toBe(200);
      expect(own.store.liveCount).toBe(0);
    } finally {
      await own.close();
    }
  });
});

test("without a name status has a stream only where one is live", async () => {
  const ids = [await begin(), await begin()];
  expect((await server.ask("GET", "/stream/status")).body.stream).toBeUndefined();
  await server.ask("POST", "/stream/stop", undefined, byHeader(ids[0] ?? ""));
  const seen = await server.ask("GET", "/stream/status");
  expect(seen.body.stream.manifest_id).toBe(ids[1]);
  await server.ask("POST", "/stream/stop", undefined, byHeader(ids[1] ?? ""));
});
