/** How an operator follows one stream: by `GET /stream/{id}/debug`, and by the lines that name it in the log. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { logId } from "../../src/log.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { testServer } from "../support/test-server.ts";
import { faultyPeer } from "../support/trickle-faults.ts";
import { waitFor } from "../support/wait-for.ts";

let workspace: string;
let server: ServerProcess;
/** Lines of the server's and its engines' log. */
const logged: Answer[] = [];
beforeAll(async () => {
  workspace = await mkdtemp(join(tmpdir(), "workspace-"));
  const flags = ["--workspace", workspace, "--log-level", "debug"];
  server = await startServer(MAIN, flags, {}, (line) => void logged.push(JSON.parse(line)));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(workspace, { recursive: true, force: true });
});

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
type Answer = any;

const post = async (path: string, body: object): Promise<Answer> => {
  const headers = { "content-type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  return await (await fetch(`${server.url}${path}`, init)).json();
};
const debugOf = async (id: string): Promise<Answer> =>
  await (await fetch(`${server.url}/stream/${id}/debug`)).json();

const eventsIn = ({ events }: Answer): string[] =>
  events.map(({ event }: { event: string }) => event);

test("a live stream shows its stages, queues, models and engine, and what happened to it", async () => {
  const { manifest_id: id } = await post("/stream/start", {
    stream_url: `${server.url}/trickle/live`,
    prompts: "the sea",
    width: 128,
    height: 128,
    fps: 30,
  });
  let debug: Answer = null;
  await waitFor("published frames", async () => {
    debug = await debugOf(id);
    return debug.pipeline?.stages.publish.frames > 10 && eventsIn(debug).includes("updated");
  });
  expect(debug).toMatchObject({
    success: true,
    log_id: logId(id),
    generation: 1,
    stream: { manifest_id: id, status: "active", params: { width: 128 } },
    engine: { device: "cpu", state: "ready", isolated: false, streams: 1 },
    pipeline: {
      stages: { decode: { frames: 0, last_ms: null, idle_ms: null } },
      models: [{ name: "dreamscape" }],
      troubles: {},
      loading: null,
    },
  });
  for (const stage of ["inference", "encode", "publish"]) {
    const { last_ms, idle_ms } = debug.pipeline.stages[stage];
    expect(last_ms).toBeGreaterThanOrEqual(0);
    expect(idle_ms).toBeLessThan(5000);
  }
  expect(eventsIn(debug)[0]).toBe("started");
  expect(eventsIn(debug)).toContain("size");

  const { restarts, pid } = debug.engine;
  await post(`/stream/${id}/params`, { fps: 20 });
  process.kill(pid, "SIGKILL");
  await waitFor("its next engine", async () => {
    debug = await debugOf(id);
    return debug.pipeline?.stages.publish.frames > 0 && debug.generation === 2;
  });
  const death = debug.events.find(({ event }: { event: string }) => event === "interrupted");
  expect(death).toMatchObject({ detail: "SIGKILL", at: expect.stringMatching(/Z$/) });
  expect(eventsIn(debug)).toContain("params_changed");
  expect(debug.engine.restarts).toBe(restarts + 1);

  await fetch(`${server.url}/stream/${id}`, { method: "DELETE" });
  await waitFor("its end", async () => (await debugOf(id)).stream.status === "stopped");
  debug = await debugOf(id);
  expect(debug).toMatchObject({ engine: null, calls: [], pipeline: null });
  expect(debug).not.toHaveProperty("unanswered");
  expect(eventsIn(debug).at(-1)).toBe("ended");

  const line = (message: string) =>
    logged.find((one) => one.message === message && one.stream === logId(id));
  const engine = { device: "cpu", pid: expect.any(Number) };
  const start = { protocol: "seed", size: expect.stringMatching(/^\d+x\d+$/), device: "cpu", pid };
  expect(line("stream started")).toMatchObject(start);
  expect(line("stream changed")).toMatchObject({ level: "INFO", changed: "fps" });
  expect(line("stream resumed")).toMatchObject({ level: "INFO", ...engine, restarts: 1 });
  expect(line("stream resumed").pid).not.toBe(pid);
  const deaths = logged.filter(({ message }) => message === "engine died; starting another one");
  expect(deaths).toContainEqual(expect.objectContaining({ device: "cpu", pid }));
  const figures = { seconds: expect.any(Number), frames_in: expect.any(Number) };
  expect(line("stream ended")).toMatchObject({ why: "deleted", ...figures });
  expect(line("stream ended").frames_out).toBeGreaterThan(0);
});

test("what an engine logs about a stream names it, and so does the server when the engine dies", async () => {
  await using peer = await failingPeer();
  const ids: string[] = [];
  const start = async (body: object): Promise<string> => {
    const { manifest_id } = await post("/stream/start", { ...body, width: 128, height: 128 });
    ids.push(manifest_id);
    return logId(manifest_id);
  };
  const output = await start({ stream_url: peer.url, prompts: "the sea" });
  const input = await start({
    input_url: peer.url,
    stream_url: `${server.url}/trickle/from-in`,
    model: "identity",
  });
  const streamsOf = (message: string) =>
    new Set(logged.filter((line) => line.message === message).map((line) => line.stream));
  await waitFor(
    "both failures",
    () => streamsOf("publishing is failing").size > 0 && streamsOf("segment broke off").size > 0,
  );
  expect([...streamsOf("publishing is failing")]).toEqual([output]);
  expect([...streamsOf("segment broke off")]).toEqual([input]);
  await waitFor("more of it", () => peer.seen.filter((one) => one.startsWith("GET /")).length > 8);
  // It happens with every segment, and is logged now and then.
  expect(logged.filter(({ message }) => message === "segment broke off").length).toBe(1);
  const { engines } = (await (await fetch(`${server.url}/health`)).json()) as Answer;
  process.kill(engines[0].pid, "SIGKILL");
  const interrupted = "stream interrupted: its engine died";
  await waitFor("both interruptions", () => streamsOf(interrupted).has(input));
  expect(streamsOf(interrupted).has(output)).toBe(true);
  for (const id of ids) await fetch(`${server.url}/stream/${id}`, { method: "DELETE" });
});

/** A trickle server that stores no segment, and whose own segments break off. */
const failingPeer = () =>
  faultyPeer(({ method, path, answer, response, reset }) => {
    const headers = { "Lp-Trickle-Seq": 3, "Lp-Trickle-Latest": 3 };
    if (method === "POST" && path !== "") return answer(500, {}, "no room");
    if (method !== "GET" || path === "/next") return answer(200, headers);
    response.writeHead(200, headers);
    response.write(new Uint8Array(188).fill(0x47));
    setTimeout(reset, 50);
  });

test("the native calls of an engine that hangs are shown, and why it says nothing", async () => {
  const fake = testServer();
  try {
    await fake.scheduler.ready(5000);
    const { body } = await fake.ask("POST", "/stream/start", {
      prompts: [{ prompt: "hang in a thread" }],
      stream_url: "http://127.0.0.1:9/x",
    });
    let debug: Answer = null;
    // The engine is killed for it in a second or two.
    await waitFor("its call", async () => {
      debug = await fake.ask("GET", `/stream/${body.manifest_id}/debug`);
      return debug.body.calls.length > 0;
    });
    expect(debug).toMatchObject({
      status: 200,
      body: {
        calls: [{ kind: "run", for_ms: expect.any(Number), allowed_ms: 200 }],
        pipeline: null,
        unanswered: expect.any(String),
      },
    });
    expect((await fake.ask("GET", "/stream/nobody/debug")).status).toBe(404);
  } finally {
    await fake.close();
  }
});
