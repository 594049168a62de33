/** Batch jobs as an orchestrator sends them, over sockets (protocol.md 1.2, 1.3, 1.7, 12 "Batch"). */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { IDLE_SECONDS } from "../../src/server/http/connection-limits.ts";
import { listen } from "../../src/server/http/listen.ts";
import { OrchestratorClient } from "../../src/server/protocols/byoc/registration/orchestrator-client.ts";
import { Registration } from "../../src/server/protocols/byoc/registration/registration.ts";
import { Orchestrator } from "../support/orchestrator.ts";
import { readUntilDone } from "../support/orchestrator-relay.ts";
import { type TestServerOptions, testServer } from "../support/test-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** The app on a socket. */
async function serve(options: TestServerOptions & { idleSeconds?: number } = {}) {
  const { idleSeconds = IDLE_SECONDS, ...rest } = options;
  const server = testServer(rest);
  const listener = listen(server.app, { host: "127.0.0.1", port: 0, idleSeconds });
  open.push(async () => {
    await listener.stop(true);
    await server.close();
  });
  await server.scheduler.ready(5000);
  return { ...server, port: listener.port ?? 0, url: `http://127.0.0.1:${listener.port}` };
}

/** An orchestrator that knows the server under these names. */
async function orchestrate(
  { url, admission }: Pick<Awaited<ReturnType<typeof serve>>, "url" | "admission">,
  names: readonly string[],
  token?: string,
) {
  const secret = "s";
  const orch = await Orchestrator.start({ secret });
  const offers = names.map((name) => ({
    name,
    url: names.length === 1 ? url : `${url}/c/${name}`,
    capacity: 4,
    price_per_unit: 0,
    price_scaling: 1,
    currency: "wei",
    description: "",
    ...(token === undefined ? {} : { token }),
  }));
  const registration = new Registration({
    orchestrators: [
      new OrchestratorClient(orch.url, { secret, tls: { rejectUnauthorized: false } }),
    ],
    offers,
    capacity: {
      total: 4,
      get used() {
        return admission.taken;
      },
      changed: new Promise(() => {}),
      get emptied() {
        return admission.emptied;
      },
    },
  });
  open.push(async () => {
    await registration.leave();
    await orch[Symbol.asyncDispose]();
  });
  await waitFor("registered", () => orch.capabilities.size === names.length);
  return orch;
}

const reversed = { original: "abc", reversed: "cba" };

test.each([
  "/text-reversal",
  "/reverse-text",
  "//text-reversal",
  "/c/text-reversal",
  "/c//reverse-text",
  "/c/text-reversal/",
  "/c/text-reversal/any/thing",
  "/c/my-name/text-reversal",
  "/",
  "",
])("a job at %p runs, with an empty Content-Type and without a redirect", async (path) => {
  const { url } = await serve({ capabilityNames: ["text-reversal"] });
  const headers = { "content-type": "" };
  const init = { method: "POST", body: '{"text":"abc"}', headers, redirect: "manual" as const };
  const answer = await fetch(`${url}${path}`, init);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual(reversed);
});

test("the bare URL is a 400 that lists the names where several are registered", async () => {
  const { ask } = await serve({ capabilityNames: ["text-reversal", "comfystream-image"] });
  const { status, body } = await ask("POST", "/", { text: "abc" });
  expect(status).toBe(400);
  expect(body.message).toContain("text-reversal, comfystream-video, comfystream-image");
});

test.each([
  ["/nobody", "unknown_capability"],
  ["/c/nobody", "unknown_capability"],
  ["/c/nobody/nothing", "unknown_capability"],
])("%s is a 404 in JSON, final at a gateway", async (path, code) => {
  const { ask } = await serve();
  expect(await ask("POST", path, {})).toMatchObject({ status: 404, body: { code } });
});

test("a job through an orchestrator keeps the capability, whatever the worker answers", async () => {
  const server = await serve({ tokens: { capability: "t" } });
  const orch = await orchestrate(server, ["text-reversal", "comfystream-image"], "t");
  const answers = [
    await orch.job("text-reversal", "", '{"text":"abc"}'),
    await orch.job("text-reversal", "reverse-text", '{"text":"abc"}'),
    await orch.job("text-reversal", "", "{"),
    await orch.job("text-reversal", "", '{"text":5}'),
    await orch.job("comfystream-image", "x", '{"prompt":"exit"}'),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 400, 400, 500]);
  expect([...orch.capabilities.values()].map(({ load }) => load)).toEqual([0, 0]);
});

test("a stale token makes the orchestrator drop the capability, and registering again brings it back", async () => {
  const server = await serve({ tokens: { capability: "new" } });
  const orch = await orchestrate(server, ["text-reversal"], "old");
  expect((await orch.job("text-reversal", "", '{"text":"abc"}')).status).toBe(500);
  expect(orch.capabilities.size).toBe(0);
  const again = await orchestrate(server, ["text-reversal"], "new");
  const answer = await again.job("text-reversal", "text-reversal", '{"text":"abc"}');
  expect(answer.status).toBe(200);
});

test("a slow job answers 504 before the orchestrator gives up: no place is lost there", async () => {
  const server = await serve({ batchTimeoutMs: 300 });
  const orch = await orchestrate(server, ["comfystream-image"]);
  const answer = await orch.job("comfystream-image", "comfystream-image", '{"prompt":"hold"}', {
    timeoutSeconds: 2,
  });
  expect(answer.status).toBe(504);
  expect(JSON.parse(await answer.text())).toMatchObject({ success: false, code: "timeout" });
  expect(orch.available("comfystream-image")).toBe(4);
});

test("streams and pictures share the places: beyond them it is a 503, in both ways", async () => {
  const { ask, admission } = await serve({ maxStreams: 2, batchTimeoutMs: 1000 });
  const stream = { prompt: "x", stream_url: "http://127.0.0.1:9/trickle/one" };
  expect((await ask("POST", "/stream/start", stream)).status).toBe(200);
  const held = ask("POST", "/c/comfystream-image", { prompt: "hold" });
  await waitFor("both places taken", () => admission.taken === 2);
  const full = { status: 503, body: { success: false, code: "at_capacity" } };
  expect(await ask("POST", "/c/comfystream-image", { prompt: "x" })).toMatchObject(full);
  const another = { ...stream, stream_url: "http://127.0.0.1:9/trickle/two" };
  expect(await ask("POST", "/stream/start", another)).toMatchObject(full);
  // What needs no device runs all the same.
  expect((await ask("POST", "/c/text-reversal", { text: "abc" })).body).toEqual(reversed);
  expect((await held).status).toBe(504);
  expect(admission.taken).toBe(1);
});

const image = (prompt: string, more = {}) => JSON.stringify({ prompt, stream: true, ...more });

test("events through an orchestrator end with the done line: on success, and past the deadline", async () => {
  const server = await serve({ batchTimeoutMs: 400 });
  const orch = await orchestrate(server, ["comfystream-image"]);
  for (const [prompt, type] of [
    ["a picture", "result"],
    ["hold", "error"],
  ] as const) {
    const answer = await orch.job("comfystream-image", "x/comfystream-image", image(prompt));
    expect(answer.status).toBe(404); // the bare URL has no such route
    const streamed = await orch.job("comfystream-image", "comfystream-image", image(prompt));
    expect(streamed.headers.get("content-type")).toContain("text/event-stream");
    const lines = (await readUntilDone(streamed)).filter((line) => line !== "");
    expect(lines.at(-1)).toBe("data: [DONE]");
    expect(lines.at(-2)).toContain("balance");
    const types = lines.slice(0, -2).map((line) => JSON.parse(line.slice(6)).type);
    expect([types[0], types.at(-1)]).toEqual(["progress", type]);
  }
});

test("what is refused before the work begins has a status, not an event", async () => {
  const { ask, admission } = await serve({ maxStreams: 1 });
  const events = { accept: "text/event-stream" };
  const unknown = await ask("POST", "/comfystream-image", { prompt: "x", model: "none" }, events);
  expect(unknown).toMatchObject({ status: 400, body: { code: "unknown_model" } });
  const odd = await ask("POST", "/comfystream-image", { prompt: "x", stream: "yes" });
  expect(odd).toMatchObject({ status: 400, body: { details: [{ field: "stream" }] } });
  using _taken = admission.take();
  const full = await ask("POST", "/comfystream-image", { prompt: "x" }, events);
  expect(full).toMatchObject({ status: 503, body: { code: "at_capacity" } });
});

test("a caller who stops reading events stops the work, and the place is free again", async () => {
  const { url, admission } = await serve();
  const caller = new AbortController();
  const init = { method: "POST", body: image("hold"), signal: caller.signal };
  const answer = await fetch(`${url}/comfystream-image`, init);
  const reader = answer.body?.getReader();
  expect(Buffer.from((await reader?.read())?.value ?? "").toString()).toContain("queued");
  expect(admission.taken).toBe(1);
  caller.abort();
  await waitFor("the place is free", () => admission.taken === 0);
});

test("metadata goes beside a picture in one piece", async () => {
  const { ask } = await serve();
  const { headers } = await ask("POST", "/comfystream-image", { prompt: "x" });
  expect(JSON.parse(headers.get("x-metadata") ?? "")).toMatchObject({ model: "dreamscape" });
});

/** A connection, what it has received, and when it was closed. */
function dial(port: number): { socket: Socket; text: () => string; closed: Promise<number> } {
  const closed = Promise.withResolvers<number>();
  let text = "";
  const socket = connect(port, "127.0.0.1");
  socket.on("data", (bytes) => {
    text += bytes.toString();
  });
  socket.on("close", () => closed.resolve(performance.now()));
  open.push(() => socket.destroy());
  return { socket, text: () => text, closed: closed.promise };
}
const post = (path: string, body: string, header = "") =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\n${header}Content-Length: ${body.length}\r\n\r\n${body}`;

test("an idle connection is kept as long as the server says, and is good for the next job", async () => {
  expect(IDLE_SECONDS).toBeGreaterThanOrEqual(75);
  const { port } = await serve({ idleSeconds: 5 });
  const { socket, text, closed } = dial(port);
  const answers = () => text().split('"cba"').length - 1;
  socket.write(post("/text-reversal", '{"text":"abc"}'));
  await waitFor("the first answer", () => answers() === 1);
  const idle = performance.now();
  socket.write(post("/text-reversal", '{"text":"abc"}'));
  await waitFor("the second answer, on the same connection", () => answers() === 2);
  const until = await closed;
  // The setting, and nothing shorter, ends it; timers are counted in steps of 4 s.
  expect(until - idle).toBeGreaterThan(3900);
  expect(until - idle).toBeLessThan(14_000);
});

test("a Livepeer header of 64 KiB is read", async () => {
  const { port } = await serve();
  const job = { request: JSON.stringify({ payload: "x".repeat(48_000) }), timeout_seconds: 5 };
  const header = `Livepeer: ${btoa(JSON.stringify(job))}\r\n`;
  expect(header.length).toBeGreaterThan(64_000);
  const { socket, text } = dial(port);
  socket.write(post("/process/request/text-reversal", '{"text":"abc"}', header));
  await waitFor("an answer", () => text().includes("\r\n\r\n"));
  expect(text()).toStartWith("HTTP/1.1 200");
});

test("bodies: 32 MiB for a job, 12 MiB for a stream, and a 413 in JSON beyond", async () => {
  const { ask } = await serve();
  const text = (bytes: number) => JSON.stringify({ text: "x".repeat(bytes - 11) });
  const mib = 1024 * 1024;
  expect((await ask("POST", "/text-reversal", text(32 * mib))).status).toBe(200);
  const large = { status: 413, body: { success: false, code: "body_too_large" } };
  expect(await ask("POST", "/text-reversal", text(32 * mib + 1))).toMatchObject(large);
  expect(await ask("POST", "/stream/start", text(12 * mib + 1))).toMatchObject(large);
});
