/** Places and channels of live-runner sessions: what is offered, refused and given back (live-runner.md 3.3, 7). The engine is a fake. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { openRequests } from "../../src/trickle/client/request.ts";
import { runnerServer } from "../support/live-runner/runner-server.ts";
import { recordLogs } from "../support/log-records.ts";
import { makeChannels, orchestratorTrickle } from "../support/orchestrator-channels.ts";
import { holdings } from "../support/process-holdings.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

/** The orchestrator hears of a change of the offer only when the runner asks it something. */
const QUIET = { intervalMs: 60_000 };
const UNAVAILABLE = {
  status: 503,
  body: { success: false, error: { code: "runner_unavailable" } },
};

test.concurrent("S12 the capacity offered follows the places, and the status stays ready while a session lives", async () => {
  const env = { RUNNER_CAPACITY: "3" };
  await using running = await runnerServer({ dialect: "go-livepeer", maxStreams: 3, env });
  const { orchestrator, runner, server } = running;
  const offered = async () => {
    await running.beats();
    return [runner.offer.capacity, runner.offer.status];
  };
  expect(await offered()).toEqual([3, "ready"]);
  const session = await orchestrator.reserve();
  await session.post("/stream", { prompt: "x" });
  expect(await offered()).toEqual([3, "ready"]);
  const others = [server.admission.take(), server.admission.take()];
  expect(await offered()).toEqual([1, "ready"]);
  await session.post("/stop");
  await waitFor("no session held", () => running.inUse().held === 0);
  expect(await offered()).toEqual([1, "ready"]);
  others.push(server.admission.take());
  expect(await offered()).toEqual([1, "busy"]);
  for (const place of others) place[Symbol.dispose]();
  expect(await offered()).toEqual([3, "ready"]);
});

test.concurrent("S12 a session for which no place is left is refused and leaks nothing, and starts once there is one", async () => {
  await using running = await runnerServer({
    dialect: "livepeer-node",
    maxStreams: 1,
    orchestrator: QUIET,
  });
  const { orchestrator, server } = running;
  const place = server.admission.take();
  const session = await orchestrator.reserve();
  expect(await session.post("/stream", { prompt: "x" })).toMatchObject(UNAVAILABLE);
  expect(orchestrator.calls.of("channels")).toEqual([]);
  expect(running.inUse()).toEqual({ places: 1, held: 1 });
  place[Symbol.dispose]();
  expect((await session.post("/stream", { prompt: "x" })).status).toBe(200);
});

test.concurrent("a start takes over the place of a session that the orchestrator does not have any more, though nothing was heard of it", async () => {
  await using running = await runnerServer({
    dialect: "go-livepeer",
    maxStreams: 1,
    orchestrator: QUIET,
  });
  const { orchestrator } = running;
  const old = await orchestrator.reserve();
  await old.post("/stream", { prompt: "x" });
  await running.runner.o2r?.close();
  await orchestrator.release(old.id);
  const session = await orchestrator.reserve();
  expect((await session.post("/stream", { prompt: "x" })).status).toBe(200);
  expect(running.sessions.ids).toEqual([session.id]);
});

test.concurrent("S13 channels without an internal URL work", async () => {
  const orchestratorOptions = { runnerHost: "localhost" };
  await using running = await runnerServer({
    dialect: "go-livepeer",
    orchestrator: orchestratorOptions,
  });
  const { orchestrator, server } = running;
  const [first, second] = [await orchestrator.reserve(), await orchestrator.reserve()];
  await first.post("/stream", { prompt: "x" });
  orchestrator.channels.internalUrls = false;
  await second.post("/stream", { prompt: "x" });
  const inputs = server.store
    .list("live")
    .map(({ spec }) => new URL(spec.input?.url ?? "").hostname);
  expect(inputs).toEqual(["localhost", "127.0.0.1"]);
});

describe.each(["go-livepeer", "livepeer-node"] as const)("at %s", (dialect) => {
  test.concurrent.each([
    ["fails", { status: 500 }],
    ["does not know the session", { status: dialect === "go-livepeer" ? 404 : 403 }],
    ["answers with something else", { status: 200, text: "{}" }],
  ])(
    "S14 where the orchestrator %s, the start is a 502, the place is free, and a later start has channels of its own",
    async (_, fault) => {
      await using running = await runnerServer({ dialect });
      const { orchestrator } = running;
      orchestrator.calls.fail("channels", fault);
      const session = await orchestrator.reserve();
      const failed = await session.post("/stream", { prompt: "x", events: true });
      expect(failed).toMatchObject({
        status: 502,
        body: { error: { code: "orchestrator_error" } },
      });
      expect(failed.body.message).not.toContain(session.id);
      expect(running.inUse()).toEqual({ places: 0, held: 1 });
      const started = await session.post("/stream", { prompt: "x", events: true });
      expect(started.status).toBe(200);
      const names = JSON.parse(orchestrator.calls.of("channels")[1]?.body ?? "").channels;
      expect(names.map(({ name }: { name: string }) => name)).toEqual([
        "in-2",
        "out-2",
        "events-2",
      ]);
    },
  );
});

test("channels at a host that is not the orchestrator's are refused, the place is free, and the log names the setting", async () => {
  await using logs = await recordLogs("warning");
  await using running = await runnerServer({ dialect: "go-livepeer" });
  const { orchestrator } = running;
  const channel = (name: string) => ({
    name,
    url: `http://127.0.0.2:9/ai/trickle/${name}-secret`,
  });
  const text = JSON.stringify({ channels: [channel("in"), channel("out")] });
  orchestrator.calls.fail("channels", { status: 200, text });
  const session = await orchestrator.reserve();
  const refused = await session.post("/stream", { prompt: "x" });
  expect(refused).toMatchObject({ status: 502, body: { error: { code: "orchestrator_error" } } });
  expect(running.inUse()).toEqual({ places: 0, held: 1 });
  const lines = JSON.stringify(logs.all);
  expect(lines).toContain("127.0.0.2:9");
  expect(lines).toContain("--allow-hosts");
  expect(lines).not.toContain('secret"');
});

test.concurrent.each([
  ["a file", "file:///etc/secret"],
  ["no URL", "secret"],
  ["with credentials", "http://u:secret@127.0.0.1/x"],
  ["the input again", "in"],
])("S14 an output channel that is %s is the orchestrator's fault", async (_, url) => {
  await using running = await runnerServer({ dialect: "livepeer-node" });
  const { orchestrator } = running;
  const input = `${orchestrator.url}/ai/trickle/a`;
  const channels = [
    { name: "in", url: input },
    { name: "out", url: url === "in" ? input : url },
  ];
  orchestrator.calls.fail("channels", { status: 200, text: JSON.stringify({ channels }) });
  const session = await orchestrator.reserve();
  const refused = await session.post("/stream", { prompt: "x" });
  const error = { code: "orchestrator_error", field: url === "in" ? "in" : "out" };
  expect(refused).toMatchObject({ status: 502, body: { error } });
  expect(JSON.stringify(refused.body)).not.toContain("secret");
  expect(running.inUse()).toEqual({ places: 0, held: 1 });
  expect((await session.post("/stream", { prompt: "x" })).status).toBe(200);
});

test.concurrent("S14 an output channel that another session has is the orchestrator's fault, and that one goes on", async () => {
  await using running = await runnerServer({ dialect: "livepeer-node" });
  const { orchestrator, server } = running;
  const session = await orchestrator.reserve();
  const first = await session.post("/stream", { prompt: "x" });
  const channels = [
    { name: "in", url: `${first.body.in}-2` },
    { name: "out", url: first.body.out },
  ];
  orchestrator.calls.fail("channels", { status: 200, text: JSON.stringify({ channels }) });
  const second = await (await orchestrator.reserve()).post("/stream", { prompt: "x" });
  const error = { code: "orchestrator_error", field: "out" };
  expect(second).toMatchObject({ status: 502, body: { error } });
  expect(server.store.list("live")).toHaveLength(1);
});

test.concurrent("R9 a BYOC stream and a session share the places, and both kinds are refused beyond them", async () => {
  await using byoc = orchestratorTrickle();
  const options = { dialect: "go-livepeer", maxStreams: 2, orchestrator: QUIET } as const;
  await using running = await runnerServer(options);
  const { orchestrator, server } = running;
  const startByoc = async (id: string) => {
    const urls = await makeChannels(byoc, id, ["subscribe", "publish"]);
    return await server.ask("POST", "/stream/start", { gateway_request_id: id, ...urls });
  };
  const session = await orchestrator.reserve();
  expect((await session.post("/stream", { prompt: "x" })).status).toBe(200);
  const other = await orchestrator.reserve();
  await waitFor("the reservation is known", () => running.inUse().places === 2);
  expect((await startByoc("a")).status).toBe(503);
  await other.stop();
  await waitFor("a free place", () => running.inUse().places === 1);
  expect((await startByoc("b")).status).toBe(200);
  expect((await startByoc("c")).status).toBe(503);
  // The orchestrator has not heard yet that the other place is taken.
  const late = await orchestrator.reserve();
  expect(await late.post("/stream", { prompt: "x" })).toMatchObject(UNAVAILABLE);
  await expect(orchestrator.reserve()).rejects.toThrow("503");
  expect(server.store.liveCount).toBe(2);
});

test("S15 a hundred sessions started and stopped leave no channel, request, socket, place or timer", async () => {
  await using running = await runnerServer({ dialect: "livepeer-node", maxStreams: 60 });
  const { orchestrator, server } = running;
  const one = async (): Promise<void> => {
    const session = await orchestrator.reserve();
    const wish = { prompt: "x", events: true, data: true, control: true };
    expect((await session.post("/stream", wish)).status).toBe(200);
    expect((await session.post("/stop")).status).toBe(200);
    await running.released(session);
  };
  const round = (count: number) => Promise.all(Array.from({ length: count }, one));
  const left = () => ({ channels: orchestrator.trickle.channels, requests: openRequests() });
  const o2r = running.runner.o2r?.descriptor.channel_name ?? "";
  await waitFor("o2r is read", () => orchestrator.trickle.peak(o2r).GET > 0);
  const before = left();
  // Requests of tests before this one may still have been ending.
  const isAsBefore = () =>
    left().channels === before.channels && left().requests <= before.requests;
  await round(50);
  await running.nothingInUse();
  await waitFor("the channels and requests of before", isAsBefore);
  // The client and the orchestrator, which run in this process, keep connections for later.
  const { sockets } = holdings(process.pid);
  await round(50);
  await running.nothingInUse();
  await waitFor("the channels and requests of before", isAsBefore);
  await waitFor("the sockets of before", () => holdings(process.pid).sockets <= sockets + 10);
  expect(server.store.liveCount).toBe(0);
  await waitFor("the clock to stop", () => !running.sessions.isWatching);
  expect(running.sessions.all.length).toBeLessThanOrEqual(64);
});
