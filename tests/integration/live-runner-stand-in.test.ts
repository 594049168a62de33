/** Tests the simulated orchestrator for live runners: what its two dialects have in common, and each difference. */
import { expect, test } from "bun:test";
import { type DialectName, goDuration } from "../support/live-runner/dialect.ts";
import { PlainRunner } from "../support/live-runner/plain-runner.ts";
import { type StandInOptions, StandInOrchestrator } from "../support/live-runner/stand-in.ts";
import { readAll } from "../support/orchestrator-channels.ts";
import { waitFor } from "../support/wait-for.ts";

const GL: DialectName = "go-livepeer";
const LN: DialectName = "livepeer-node";
const both = test.each([GL, LN]);
const CHANNELS = { channels: [{ name: "in", mime_type: "video/mp2t" }, { name: "out" }] };

async function started(dialect: DialectName, options: Partial<StandInOptions> = {}) {
  const stack = new AsyncDisposableStack();
  const orchestrator = stack.use(await StandInOrchestrator.start({ dialect, ...options }));
  const runner = stack.use(new PlainRunner(orchestrator));
  return { orchestrator, runner, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** A reserved session, with what only its runner is told. */
async function reserved(orchestrator: StandInOrchestrator) {
  const client = await orchestrator.reserve();
  const session = orchestrator.session(client.id);
  if (session === undefined) throw new Error("the session is not there");
  return { client, session, id: client.id, token: session.token };
}

both("%s hands out a heartbeat secret once, and wants it from then on", async (dialect) => {
  await using peers = await started(dialect, { intervalMs: 1500 });
  const { orchestrator, runner } = peers;
  expect((await runner.beat({}, "wrong")).status).toBe(401);
  const first = await runner.beat();
  expect(first.body).toMatchObject({
    runner_id: "plain",
    orchestrator: orchestrator.url,
    heartbeat_interval: "1.5s",
    heartbeat_ttl: dialect === GL ? "20s" : "30s",
    session_ids: [],
    o2r: { name: "o2r", mime_type: "application/json" },
  });
  expect(first.body.o2r).not.toHaveProperty("internal_url");
  const second = await runner.beat();
  expect(second.status).toBe(200);
  expect(second.body).not.toHaveProperty("heartbeat_secret");
  expect((await runner.beat({}, orchestrator.secret)).status).toBe(401);
  expect((await runner.unregister()).status).toBe(dialect === GL ? 204 : 200);
  expect((await runner.unregister()).status).toBe(404);
});

test("go-livepeer checks a heartbeat's body first, livepeer-node its credential", async () => {
  for (const [dialect, status] of [
    [GL, 400],
    [LN, 401],
  ] as const) {
    await using peers = await started(dialect);
    const answer = await peers.runner.beat({ app: "" }, "wrong");
    expect(answer.status).toBe(status);
    expect(answer.body === null).toBe(dialect === GL); // text, or JSON
    expect((await peers.runner.beat({ app: "" })).status).toBe(400);
  }
});

both("%s refuses offers that it cannot take", async (dialect) => {
  await using peers = await started(dialect);
  const refused = async (changes: object) => (await peers.runner.beat(changes)).status === 400;
  expect(await refused({ capacity: 1.5 })).toBeTrue();
  expect(await refused({ runner_url: "ftp://x" })).toBeTrue();
  expect(await refused({ runner_id: "a b" })).toBe(dialect === LN);
  peers.runner.reset();
  await peers.orchestrator.restart();
  expect(await refused({ metadata: "x".repeat(1025) })).toBe(dialect === GL);
  peers.runner.reset();
  await peers.orchestrator.restart();
  expect(await refused({ price_info: { price: 0, unit: "720p" } })).toBe(dialect === LN);
});

both(
  "%s refuses a heartbeat with a member of a wrong type, and takes null for an absent one",
  async (dialect) => {
    await using peers = await started(dialect);
    for (const changes of [
      { label: 1 },
      { proxy: "yes" },
      { capacity: "2" },
      { session_ids: [1] },
      { gpu: "first" },
      { gpu: { id: 0 } },
      { gpu: { vram_mb: 1.5 } },
      { price_info: [] },
      { price_info: { price: "cheap" } },
      { price_info: { price: true } },
    ])
      expect((await peers.runner.beat(changes)).status, JSON.stringify(changes)).toBe(400);
    const gpu = { id: "0", name: "RTX", vram_mb: 24_576 };
    for (const changes of [{ gpu: 0 }, { gpu, label: null }, { price_info: { price: "0.0" } }])
      expect((await peers.runner.beat(changes)).status, JSON.stringify(changes)).toBe(200);
  },
);

test("an offer with a price is taken off-chain by both; livepeer-node checks its currency", async () => {
  for (const [dialect, euro] of [
    [GL, 200],
    [LN, 400],
  ] as const) {
    await using peers = await started(dialect);
    const price = { price: 1.5, currency: "usd", unit: "hour" };
    expect((await peers.runner.beat({ price_info: price })).status).toBe(200);
    const foreign = { ...price, currency: "eur" };
    expect((await peers.runner.beat({ price_info: foreign })).status).toBe(euro);
  }
  await using older = await started(LN, { takesPrices: false });
  expect((await older.runner.beat({ price_info: { price: 1.5 } })).status).toBe(400);
  expect((await older.runner.beat({ price_info: { price: 0 } })).status).toBe(200);
});

both("%s answers a full runner's reservation and discovery in its way", async (dialect) => {
  await using peers = await started(dialect);
  const { orchestrator, runner } = peers;
  await runner.beat({ capacity: 1 });
  const listed = async () => (await runner.call("GET", "/discovery")).body[0].runners;
  const [free] = await listed();
  expect(free).toMatchObject({ app: "test/plain", capacity: 1, capacity_available: 1 });
  expect(free.url).toBe(`${orchestrator.url}/apps/plain/session`);
  const { client } = await reserved(orchestrator);
  expect((await runner.call("POST", free.url, {})).status).toBe(dialect === GL ? 503 : 409);
  expect((await listed()).length).toBe(dialect === GL ? 1 : 0);
  expect(await client.stop()).toBe(dialect === GL ? 204 : 200);
  expect(await client.stop()).toBe(dialect === GL ? 204 : 404);
  expect((await listed())[0].capacity_used).toBe(0);
});

both("%s writes reservations and releases to o2r, and a keepalive", async (dialect) => {
  await using peers = await started(dialect, { o2rIntervalMs: 20 });
  const { orchestrator, runner } = peers;
  const { o2r } = (await runner.beat()).body;
  const { id } = await reserved(orchestrator);
  await orchestrator.release(id);
  const stop = new AbortController();
  const { seen } = readAll(o2r.url, stop.signal);
  await waitFor("a keepalive", () => seen.length >= 3);
  stop.abort();
  const events = seen.map(({ text }) => JSON.parse(text));
  expect(events.filter(({ event }) => event)).toMatchObject([
    { event: "reserved", session: id },
    { event: "released", session: id },
  ]);
  expect(events).toContainEqual({ keep: "alive" });
});

test("a runner that leaves hears `released` for its sessions from livepeer-node alone", async () => {
  for (const [dialect, events] of [
    [GL, ["reserved"]],
    [LN, ["reserved", "released"]],
  ] as const) {
    await using peers = await started(dialect);
    const { orchestrator, runner } = peers;
    const { o2r } = (await runner.beat()).body;
    const { seen } = readAll(o2r.url, new AbortController().signal);
    await reserved(orchestrator);
    await waitFor("the reservation is heard of", () => seen.length === 1);
    await runner.unregister();
    await waitFor(
      "the channel has ended",
      async () => (await fetch(`${o2r.url}/next`)).status === 404,
    );
    await waitFor("all events", () => seen.length === events.length);
    expect(seen.map(({ text }) => JSON.parse(text).event)).toEqual([...events]);
  }
});

both("%s makes channels for the session's token alone, each name once", async (dialect) => {
  await using peers = await started(dialect);
  const { orchestrator, runner } = peers;
  await runner.beat();
  const { id, token } = await reserved(orchestrator);
  const create = (as: string, body: object, session = id) =>
    runner.callback("POST", "/channels", session, as, body);
  expect((await create("wrong", CHANNELS)).status).toBe(dialect === GL ? 401 : 403);
  expect((await create(token, CHANNELS, "absent")).status).toBe(dialect === GL ? 404 : 403);
  const tooMany = { channels: Array.from({ length: 26 }, (_, n) => ({ name: `c${n}` })) };
  expect((await create(token, tooMany)).status).toBe(400);
  expect((await create(token, { channels: [{ name: "a b" }] })).status === 400).toBe(
    dialect === GL,
  );
  const made = await create(token, CHANNELS);
  const [input, output] = made.body.channels;
  expect(input).toMatchObject({ name: "in", mime_type: "video/mp2t", internal_url: input.url });
  expect(output.mime_type).toBe("application/octet-stream");
  expect(input.channel_name === `${id}-in`).toBe(dialect === GL);
  expect((await create(token, CHANNELS)).body).toEqual(made.body);
  expect((await fetch(`${input.url}/next`)).status).toBe(200);
  expect((await fetch(`${input.url}x`, { method: "POST" })).status).toBe(404);
});

both("%s hands out a spent channel in its way", async (dialect) => {
  await using peers = await started(dialect);
  const { orchestrator, runner } = peers;
  await runner.beat();
  const { id, token } = await reserved(orchestrator);
  const create = async () =>
    (await runner.callback("POST", "/channels", id, token, CHANNELS)).body.channels[0];
  const remove = (name: string) =>
    runner.callback("DELETE", "/channels", id, token, { channels: [name] });
  const { url } = await create();
  await orchestrator.closeChannel(id, "in");
  expect((await create()).url === url).toBe(dialect === GL);
  expect((await remove("in")).status).toBe(dialect === GL ? 500 : 200);
  expect((await remove("out")).body).toEqual({ deleted: ["out"] });
  const absent = await remove("out");
  if (dialect === GL) expect(absent.status).toBe(404);
  else expect(absent.body).toEqual({ deleted: [] });
  orchestrator.channels.internalUrls = false;
  expect(await create()).not.toHaveProperty("internal_url");
});

both("%s forwards app calls with the session's headers", async (dialect) => {
  await using peers = await started(dialect, { runnerHost: "localhost" });
  const { orchestrator, runner } = peers;
  await runner.beat();
  const { client, id, token } = await reserved(orchestrator);
  const answer = await runner.call(
    "POST",
    `${client.appUrl}/a%20b/../c?x=1`,
    { n: 1 },
    {
      Cookie: "k=v",
      "Livepeer-Session-Id": "forged",
      "X-Forwarded-For": "9.9.9.9",
    },
  );
  expect(answer.status).toBe(200);
  const [call] = runner.appCalls;
  expect(call).toMatchObject({ path: "/runner/key/c", search: "?x=1", body: '{"n":1}' });
  const sent = Object.fromEntries(call?.headers ?? []);
  expect(sent).toMatchObject({
    cookie: "k=v",
    "livepeer-runner-route": "plain",
    "livepeer-session-id": id,
    "livepeer-session-token": token,
    "livepeer-session-control": `${orchestrator.runnerBase}/runner/plain/session/${id}`,
  });
  expect(sent["x-forwarded-for"]).toBe(dialect === GL ? undefined : "127.0.0.1");
});

both("%s answers no calls of a runner that is not ready", async (dialect) => {
  await using peers = await started(dialect);
  const { orchestrator, runner } = peers;
  await runner.beat();
  const { client, id, token } = await reserved(orchestrator);
  await runner.beat({ status: "loading" });
  expect((await client.post("/stream")).status).toBe(404);
  expect((await runner.call("GET", "/discovery")).body[0].runners).toEqual([]);
  const channels = await runner.callback("POST", "/channels", id, token, CHANNELS);
  expect(channels.status).toBe(dialect === GL ? 404 : 200);
  await runner.beat({ status: "ready" });
  expect((await client.post("/stream")).status).toBe(200);
});

both("%s treats a call in flight at the release in its way", async (dialect) => {
  await using peers = await started(dialect);
  const { orchestrator, runner } = peers;
  await runner.beat();
  const { client, id, token } = await reserved(orchestrator);
  const answered = Promise.withResolvers<void>();
  runner.answer = async () => {
    await answered.promise;
    return Response.json({ done: true });
  };
  const pending = client.post("/stop");
  await waitFor("the call arrives", () => runner.appCalls.length === 1);
  const stopped = await runner.callback("POST", "/stop", id, token);
  expect(stopped.status).toBe(dialect === GL ? 204 : 200);
  if (dialect === GL) answered.resolve();
  expect((await pending).status).toBe(dialect === GL ? 200 : 502);
  answered.resolve();
  expect((await runner.callback("POST", "/stop", id, token)).status).toBe(404);
});

both("%s treats a streamed answer at the release in its way", async (dialect) => {
  await using peers = await started(dialect);
  const { orchestrator, runner } = peers;
  await runner.beat();
  const { client, id } = await reserved(orchestrator);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  runner.answer = () =>
    new Response(readable, { headers: { "content-type": "text/event-stream" } });
  void writer.write(new TextEncoder().encode("data: 1\n\n")).catch(() => {}); // cut on livepeer-node
  const answer = await fetch(`${client.appUrl}/events`);
  const body = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect(await body?.read()).toMatchObject({ value: "data: 1\n\n" });
  await orchestrator.release(id);
  const rest = body?.read().then(
    ({ value }) => value,
    () => "cut",
  );
  void writer.write(new TextEncoder().encode("data: 2\n\n")).catch(() => {});
  expect(await rest).toBe(dialect === GL ? "data: 2\n\n" : "cut");
  void writer.close().catch(() => {});
});

both("%s closes a session's channels at its release", async (dialect) => {
  await using peers = await started(dialect);
  const { orchestrator, runner } = peers;
  await runner.beat();
  const { id, token } = await reserved(orchestrator);
  const { body } = await runner.callback("POST", "/channels", id, token, CHANNELS);
  const waiting = fetch(`${body.channels[0].url}/0`);
  await waitFor(
    "the read waits",
    () => orchestrator.trickle.peak(body.channels[0].channel_name).GET > 0,
  );
  await orchestrator.release(id);
  expect((await waiting).headers.get("Lp-Trickle-Closed")).toBe("terminated");
  expect((await fetch(`${body.channels[0].url}/next`)).status).toBe(404);
});

test("a lapsed runner gets 404 from go-livepeer until the sweep, and is revived by livepeer-node", async () => {
  for (const [dialect, status] of [
    [GL, 404],
    [LN, 200],
  ] as const) {
    await using peers = await started(dialect, { intervalMs: 200 });
    const { orchestrator, runner } = peers;
    await runner.beat();
    orchestrator.lapse();
    expect((await runner.beat()).status).toBe(status);
    if (dialect === LN) continue;
    expect((await runner.beat({}, orchestrator.secret)).status).toBe(404);
    await waitFor("the sweep", () => orchestrator.registry.runners.size === 0);
    expect((await runner.beat({}, orchestrator.secret)).status).toBe(200);
  }
});

both("%s forgets everybody at a restart, on the same port", async (dialect) => {
  await using peers = await started(dialect);
  const { orchestrator, runner } = peers;
  await runner.beat();
  const { client } = await reserved(orchestrator);
  await orchestrator.restart();
  expect((await runner.beat()).status).toBe(401);
  expect((await client.post("/stream")).status).toBe(404);
  runner.reset();
  expect((await runner.beat()).body.heartbeat_secret).toBeString();
});

both("%s answers as a fault says, then as before", async (dialect) => {
  await using peers = await started(dialect);
  const { orchestrator, runner } = peers;
  orchestrator.calls.fail("heartbeat", { status: 500, times: 2 });
  orchestrator.calls.fail("heartbeat", { status: 418, text: "short and stout" });
  expect([await runner.beat(), await runner.beat()].map(({ status }) => status)).toEqual([
    500, 500,
  ]);
  expect((await runner.beat()).text).toBe("short and stout");
  expect((await runner.beat()).status).toBe(200);
  orchestrator.sessionIds = (ids) => [...ids, "stale"];
  expect((await runner.beat()).body.session_ids).toEqual(["stale"]);
  expect(orchestrator.calls.of("heartbeat").map(({ status }) => status)).toEqual([
    500, 500, 418, 200, 200,
  ]);
});

both("%s limits trickle requests and segments in its way", async (dialect) => {
  await using peers = await started(dialect, {
    ...(dialect === LN && { maxSegmentBytes: 1000, maxStreamRequests: 1 }),
  });
  const { orchestrator, runner } = peers;
  await runner.beat();
  const { id, token } = await reserved(orchestrator);
  const { body } = await runner.callback("POST", "/channels", id, token, CHANNELS);
  const { url, channel_name } = body.channels[0];
  const large = await fetch(`${url}/0`, { method: "POST", body: new Uint8Array(1001) });
  expect(large.status).toBe(dialect === GL ? 200 : 413);
  const waiting = fetch(`${url}/1`);
  await waitFor("the read waits", () => orchestrator.trickle.peak(channel_name).GET === 1);
  const next = await fetch(`${url}/1`, { method: "POST", body: "x" });
  expect(next.status).toBe(dialect === GL ? 200 : 503);
  await orchestrator.trickle.close(channel_name);
  await waiting.then((answer) => answer.arrayBuffer());
  orchestrator.trickle.unavailable = true;
  expect((await fetch(`${url}/next`)).status).toBe(503);
});

both("%s answers a POST whose channel closes in its way", async (dialect) => {
  await using peers = await started(dialect);
  const { orchestrator, runner } = peers;
  await runner.beat();
  const { id, token } = await reserved(orchestrator);
  const { body } = await runner.callback("POST", "/channels", id, token, CHANNELS);
  const { url, channel_name } = body.channels[0];
  const silent = new ReadableStream<Uint8Array>();
  const waiting = fetch(`${url}/0`, { method: "POST", body: silent });
  await waitFor("the POST waits", () => orchestrator.trickle.peak(channel_name).POST === 1);
  await orchestrator.trickle.close(channel_name);
  const { status, headers } = await waiting;
  expect(status).toBe(200);
  expect(headers.get("Lp-Trickle-Closed")).toBe(dialect === GL ? "terminated" : null);
  expect(headers.get("Lp-Trickle-Seq")).toBe("0");
});

both("%s hides the session's id behind a proxy", async (dialect) => {
  await using peers = await started(dialect);
  const { orchestrator, runner } = peers;
  await runner.beat({ proxy: true });
  const { client, id, token } = await reserved(orchestrator);
  expect(client.appUrl).not.toContain(id);
  expect((await client.get("/status")).body).toEqual({ path: "/runner/key/status" });
  const open = (body?: object) => runner.callback("POST", "/proxy", id, token, body);
  expect((await open()).status).toBe(dialect === GL ? 200 : 400);
  expect((await open({ target_url: "http://other.invalid/" })).status).toBe(
    dialect === GL ? 400 : 200,
  );
  expect((await open({ target_url: "" })).status).toBe(200);
  const { url } = (await open({ target_url: `${runner.url}/deep` })).body;
  expect((await runner.call("GET", `${url}/er`)).body).toEqual({ path: "/runner/key/deep/er" });
  await orchestrator.release(id);
  expect((await runner.call("GET", `${url}/er`)).status).toBe(404);
});

test("livepeer-node does not call a runner at a private address without a grant", async () => {
  await using peers = await started(LN, { runnerGrants: false });
  await peers.runner.beat();
  const { client } = await reserved(peers.orchestrator);
  expect((await client.post("/stream")).status).toBe(502);
  expect(peers.runner.appCalls).toEqual([]);
});

test("livepeer-node serves everything below a path", async () => {
  await using peers = await started(LN, { basePath: "/orch" });
  await peers.runner.beat();
  const { client } = await reserved(peers.orchestrator);
  expect(client.appUrl).toContain("/orch/apps/plain/session/");
  expect((await client.post("/x")).body).toEqual({ path: "/runner/key/x" });
});

both("%s polls a static runner, and releases its sessions after one failure", async (dialect) => {
  await using peers = await started(dialect, { intervalMs: 20 });
  const { orchestrator, runner } = peers;
  let health = 200;
  runner.answer = ({ path }) =>
    path.endsWith("/health") ? new Response(null, { status: health }) : Response.json({ path });
  const listed = orchestrator.addStatic({
    label: "plain",
    routing: "label",
    runnerUrl: runner.url,
    healthUrl: `${runner.url}/health`,
    app: "test/plain",
    capacity: 1,
  });
  const { client, session } = await reserved(orchestrator);
  expect((await client.post("/stream")).status).toBe(200);
  expect(session.runner).toBe(listed);
  expect((await runner.beat()).status).toBe(dialect === GL ? 401 : 403);
  health = 503;
  await waitFor("the release", () => listed.sessions.size === 0);
  expect((await client.post("/stream")).status).toBe(404);
  health = 200;
  await waitFor("it is usable again", () => listed.offer.status === "ready");
});

test("durations are written as Go writes them", () => {
  expect([0, 500, 1500, 5000, 60_000, 3_600_000].map(goDuration)).toEqual([
    "0s",
    "500ms",
    "1.5s",
    "5s",
    "1m0s",
    "1h0m0s",
  ]);
});
