/** Runners that keep themselves registered, against the stand-in orchestrator in both of its dialects (live-runner.md 2, 7). */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readConfig } from "../../src/config.ts";
import { runOnce } from "../../src/server/protocols/byoc/registration/once.ts";
import type { BeatTiming } from "../../src/server/protocols/live-runner/registration/heartbeats.ts";
import { followO2r } from "../../src/server/protocols/live-runner/registration/o2r.ts";
import { Runners } from "../../src/server/protocols/live-runner/registration/runners.ts";
import type {
  RunnerSessions,
  RunnerStatus,
  SessionOwner,
} from "../../src/server/protocols/live-runner/runner-sessions.ts";
import { pause } from "../../src/streams/pause.ts";
import type { DialectName } from "../support/live-runner/dialect.ts";
import { runnerServer } from "../support/live-runner/runner-server.ts";
import { type StandInOptions, StandInOrchestrator } from "../support/live-runner/stand-in.ts";
import { recordLogs } from "../support/log-records.ts";
import { testServer } from "../support/test-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

const APP = "live-video-to-video/comfystream";
const SECRET = "orch-secret-41ac";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

/** Sessions that record what the registration says of them. */
class RecordingSessions implements RunnerSessions {
  readonly ids: string[] = [];
  readonly events: string[] = [];
  readonly lists: (readonly string[])[] = [];
  readonly owner: SessionOwner;
  places = 4;
  status: RunnerStatus = "ready";

  constructor(owner: SessionOwner) {
    this.owner = owner;
  }
  offer(): { capacity: number; status: RunnerStatus } {
    return { capacity: this.places, status: this.status };
  }
  reserved(id: string): void {
    this.events.push(`reserved ${id}`);
  }
  released(id: string): void {
    this.events.push(`released ${id}`);
  }
  reconcile(listed: readonly string[]): void {
    this.lists.push(listed);
  }
  lost(): void {
    this.events.push("lost");
  }
  async drain(): Promise<void> {
    this.events.push("drain");
  }
}

/** Waits of seconds take a fiftieth of their time, those of minutes a thousandth. */
const hurried: BeatTiming = {
  wait: (ms, signal) => pause(ms >= 60_000 ? ms / 1000 : ms >= 1000 ? ms / 50 : ms, signal),
  random: () => 1,
  now: () => performance.now(),
};

async function standIn(options: StandInOptions): Promise<StandInOrchestrator> {
  const started = await StandInOrchestrator.start({
    secret: SECRET,
    intervalMs: 40,
    ttlMs: 10_000,
    o2rIntervalMs: 50,
    ...options,
  });
  open.push(started);
  return started;
}

/** Runners that register as these settings say. */
function runners(
  env: Record<string, string>,
  { timing = hurried, status = "ready" }: { timing?: BeatTiming; status?: RunnerStatus } = {},
) {
  const tables: RecordingSessions[] = [];
  const all = new Runners({
    config: readConfig([], { RUNNER_APP: APP, ORCH_SECRET: SECRET, ...env }),
    version: "1.2.3",
    sessions: (owner) => {
      const table = new RecordingSessions(owner);
      table.status = status;
      tables.push(table);
      return table;
    },
    capacity: { total: 4, used: 1 },
    gpu: () => ({ id: "GPU-1", name: "NVIDIA L4", vram_mb: 23_034 }),
    metadata: () => '{"model":"identity"}',
    allows: (origin) => origin === "http://allowed:1",
    timing,
  });
  open.push({ [Symbol.asyncDispose]: () => all.close(0).left });
  all.start("http://127.0.0.1:5999");
  return { all, tables, table: tables[0] as RecordingSessions };
}

describe.each<DialectName>(["go-livepeer", "livepeer-node"])("at %s", (dialect) => {
  test("R1: it registers with the bare secret, then beats with the returned one and the whole body each time", async () => {
    const orchestrator = await standIn({ dialect });
    const { table } = runners({
      ORCH_URL: orchestrator.url,
      RUNNER_URL: "http://worker:5000/",
      RUNNER_LABEL: "cellar",
      RUNNER_PROXY: "on",
      RUNNER_ID: "box",
    });
    const runner = await orchestrator.registered();
    await waitFor("three heartbeats", () => runner.beats > 2);
    const [first, ...later] = orchestrator.calls.of("heartbeat");
    expect(first?.headers.get("authorization")).toBe(SECRET);
    for (const { headers } of later)
      expect(headers.get("authorization")).toBe(runner.heartbeatSecret);
    const body = JSON.parse(first?.body ?? "");
    expect(body).toEqual({
      runner_id: expect.stringMatching(/^box-[a-z0-9]{10}$/),
      runner_url: expect.stringMatching(/^http:\/\/worker:5000\/runner\/[\w-]{22}$/),
      app: APP,
      mode: "persistent",
      proxy: true,
      label: "cellar",
      version: "1.2.3",
      status: "ready",
      capacity: 4,
      gpu: { id: "GPU-1", name: "NVIDIA L4", vram_mb: 23_034 },
      price_info: { price: 0, currency: "usd", unit: "hour" },
      metadata: '{"model":"identity"}',
      session_ids: [],
    });
    expect(later.map((call) => JSON.parse(call.body))).toEqual(later.map(() => body));
    expect(body.runner_url).toEndWith(table.owner.key);
    table.places = 3;
    table.ids.push("alive");
    await waitFor("another offer", () => runner.offer.capacity === 3);
    expect(runner.offer.session_ids).toEqual(["alive"]);
  });

  test("R3: forgotten, it registers again at once with its id, loses its sessions and reads o2r anew", async () => {
    const orchestrator = await standIn({ dialect });
    const { table } = runners({ ORCH_URL: orchestrator.url });
    const { id } = await orchestrator.registered();
    const before = await orchestrator.reserve();
    await waitFor("o2r", () => table.events.includes(`reserved ${before.id}`));
    await orchestrator.forget();
    const { heartbeatSecret } = await orchestrator.registered();
    expect(orchestrator.runner.id).toBe(id);
    expect(table.events.filter((event) => event === "lost")).toHaveLength(1);
    const after = await orchestrator.reserve();
    await waitFor("the new o2r", () => table.events.includes(`reserved ${after.id}`));
    await waitFor("a heartbeat", () => orchestrator.runner.beats > 1);
    const credentials = orchestrator.calls
      .of("heartbeat")
      .map(({ headers }) => headers.get("authorization"));
    expect(credentials.filter((one) => one === SECRET)).toHaveLength(2);
    expect(credentials.at(-1)).toBe(heartbeatSecret);
  });

  test("R4: a wrong secret is tried twice, explained once, and appears in no log", async () => {
    await using logs = await recordLogs("warning");
    const orchestrator = await standIn({ dialect });
    const timing = { ...hurried, wait: pause };
    const { all } = runners(
      { ORCH_URL: orchestrator.url, ORCH_SECRET: "wrong-secret" },
      { timing },
    );
    await waitFor("the reason", () => logs.messages.length > 0);
    expect(orchestrator.calls.of("heartbeat").map(({ status }) => status)).toEqual([401, 401]);
    const [record] = logs.all;
    expect(record).toMatchObject({
      level: "error",
      properties: { app: APP, orchestrator: orchestrator.url },
    });
    expect(logs.messages).toEqual(["runner not registered: retried every 60 s"]);
    expect(record?.properties["why"]).toStartWith("it does not accept ORCH_SECRET");
    expect(JSON.stringify(logs.all)).not.toContain("wrong-secret");
    expect(all.states).toMatchObject([{ registered: false, failure: { kind: "unauthorized" } }]);
  });

  test("a server that leaves is unregistered, whatever a success is called there", async () => {
    const orchestrator = await standIn({ dialect });
    const { all, table } = runners({ ORCH_URL: orchestrator.url });
    await orchestrator.registered();
    await all.close(1000).left;
    expect(table.events).toEqual(["drain"]);
    expect(orchestrator.registry.runners.size).toBe(0);
    expect(orchestrator.calls.of("unregister")).toMatchObject([
      { status: { "go-livepeer": 204, "livepeer-node": 200 }[dialect] },
    ]);
    const beats = orchestrator.calls.of("heartbeat").length;
    await Bun.sleep(100); // more than two intervals: none may follow
    expect(orchestrator.calls.of("heartbeat")).toHaveLength(beats);
  });

  test("reservations and releases arrive at once by o2r, and with the next heartbeat", async () => {
    const orchestrator = await standIn({ dialect, intervalMs: 5000 });
    const { table } = runners({ ORCH_URL: orchestrator.url });
    await orchestrator.registered();
    const session = await orchestrator.reserve();
    await orchestrator.release(session.id);
    await waitFor("both", () => table.events.length === 2);
    expect(table.events).toEqual([`reserved ${session.id}`, `released ${session.id}`]);
    const second = await orchestrator.reserve();
    await waitFor("the list", () => table.lists.some((list) => list.includes(second.id)));
  });

  test("a session without a token is stopped by its client's route; an unknown one counts as stopped", async () => {
    const orchestrator = await standIn({ dialect });
    const { table } = runners({ ORCH_URL: orchestrator.url });
    await orchestrator.registered();
    const { id } = await orchestrator.reserve();
    expect(await table.owner.stopByClientRoute(id)).toEqual({ kind: "stopped" });
    expect(orchestrator.session(id)).toBeUndefined();
    expect(await table.owner.stopByClientRoute("no/such session")).toEqual({ kind: "stopped" });
    orchestrator.calls.fail("client-stop", { status: 500 });
    expect(await table.owner.stopByClientRoute("x")).toEqual({
      kind: "failed",
      message: "it answered 500",
    });
  });

  test("ORCH_URL may have a path", async () => {
    const orchestrator = await standIn({ dialect, basePath: "/orch/a" });
    const { table } = runners({ ORCH_URL: orchestrator.url });
    await orchestrator.registered();
    const session = await orchestrator.reserve();
    await waitFor("o2r", () => table.events.includes(`reserved ${session.id}`));
  });

  test("each batch capability is a single-shot runner of its own", async () => {
    const orchestrator = await standIn({ dialect });
    const batch = "comfystream-image,text-reversal";
    const { all } = runners({ ORCH_URL: orchestrator.url, RUNNER_BATCH: batch });
    const registered = () => [...orchestrator.registry.runners.values()].map(({ offer }) => offer);
    await waitFor("all", () => registered().length === 3);
    const offer = registered().find(({ app }) => app === "live-video-to-video/text-reversal");
    expect(offer).toMatchObject({ mode: "single-shot", capacity: 3, status: "ready" });
    const [, key = ""] =
      /\/runner\/([\w-]{22})\/c\/text-reversal$/.exec(offer?.runner_url ?? "") ?? [];
    const route = offer?.runner_id ?? null;
    const found = all.batchByKey(key, "text-reversal", route);
    expect(found?.sessions.offer()).toEqual({ capacity: 3, status: "ready" });
    {
      using _call = found?.sessions.begin();
      expect(found?.sessions.offer().capacity).toBe(4);
    }
    expect(all.batchByKey(key, "comfystream-image", route)).toBeNull();
    expect(all.byKey(key, route)).toBeNull();
    expect(all.states.map(({ app }) => app).sort()).toEqual(
      [APP, "live-video-to-video/comfystream-image", "live-video-to-video/text-reversal"].sort(),
    );
  });
});

test("R3: an id that has expired and is not swept yet is registered again within 8 s", async () => {
  const orchestrator = await standIn({ dialect: "go-livepeer" });
  const { table } = runners({ ORCH_URL: orchestrator.url });
  const { id } = await orchestrator.registered();
  orchestrator.calls.fail("heartbeat", { status: 404, text: "runner not found\n", times: 4 });
  await orchestrator.forget();
  await orchestrator.registered();
  expect(orchestrator.runner.id).toBe(id);
  expect(table.events).toEqual(["lost"]);
  const statuses = orchestrator.calls.of("heartbeat").map(({ status }) => status);
  expect(statuses.filter((status) => status === 404)).toHaveLength(4);
});

test.each<[string, Partial<StandInOptions>, Record<string, string>, string]>([
  [
    "a price of 0 on a blockchain",
    { dialect: "go-livepeer", onChain: true },
    {},
    "it answered 400: price_info.price must be above 0 (RUNNER_PRICE=0: an orchestrator on a blockchain wants a price above 0)",
  ],
  [
    "a unit that it does not know",
    { dialect: "livepeer-node" },
    { RUNNER_PRICE_UNIT: "720p" },
    "it answered 400: price_info.unit must be one of hour, fixed (RUNNER_PRICE_UNIT=720p: livepeer/node accepts hour and fixed; go-livepeer also accepts 720p)",
  ],
  [
    "registration that is off",
    { dialect: "go-livepeer", secret: "" },
    {},
    "it takes no runners that register themselves (404: dynamic runner registration is disabled): its operator must set -orchSecret (go-livepeer) or a bootstrap secret (livepeer/node), and its release must have live runners",
  ],
])(
  "R6: %s is explained with the orchestrator's sentence and the setting",
  async (_what, options, env, why) => {
    await using logs = await recordLogs("warning");
    const orchestrator = await standIn({ dialect: "go-livepeer", ...options });
    runners({ ORCH_URL: orchestrator.url, ...env });
    await waitFor("two tries", () => orchestrator.calls.of("heartbeat").length === 2);
    expect(logs.messages).toEqual(["runner not registered: retried every 60 s"]);
    expect(logs.all[0]?.properties["why"]).toBe(why);
  },
);

test("R6: a price that livepeer/node refuses without a blockchain is explained with its setting", async () => {
  await using logs = await recordLogs("warning");
  const orchestrator = await standIn({ dialect: "livepeer-node" });
  const text = '{"error":"paid runners require on-chain payment support"}';
  orchestrator.calls.fail("heartbeat", { status: 400, text });
  runners({ ORCH_URL: orchestrator.url, RUNNER_PRICE: "0.5" });
  await orchestrator.registered();
  expect(logs.all[0]?.properties["why"]).toBe(
    "it answered 400: paid runners require on-chain payment support (RUNNER_PRICE=0.5: some releases of livepeer/node without a blockchain accept only 0)",
  );
});

test("R8: an orchestrator that is dead does not affect another, and each has a key of its own", async () => {
  await using logs = await recordLogs("warning");
  const dead = await standIn({ dialect: "livepeer-node" });
  await dead.stop();
  const lively = await standIn({ dialect: "go-livepeer" });
  const { all, tables } = runners({ ORCH_URL: `${dead.url},${lively.url}` });
  const runner = await lively.registered();
  await waitFor("heartbeats", () => runner.beats > 5);
  expect(all.states).toMatchObject([
    { orchestrator: dead.url, registered: false, failure: { kind: "unreachable" } },
    { orchestrator: lively.url, registered: true, failure: null },
  ]);
  const [one, other] = tables.map(({ owner }) => owner);
  expect(one?.key).not.toBe(other?.key);
  expect(all.byKey(other?.key ?? "", runner.id)?.orchestrator).toBe(lively.url);
  expect(all.byKey("x".repeat(22), runner.id)).toBeNull();
  await dead.restart();
  await dead.registered();
  expect(logs.messages.filter((text) => text.includes("not reached"))).toHaveLength(1);
});

test("R10: three reservations without a call give the hint about runner_grants once", async () => {
  await using logs = await recordLogs("warning");
  await using run = await runnerServer({
    dialect: "livepeer-node",
    env: { RUNNER_URL: "http://10.0.0.5:5000" },
    orchestrator: { runnerGrants: false },
    timing: { uncalledMs: 0 },
  });
  const message = "three sessions in a row were reserved and never called";
  for (const count of [0, 0, 1, 1, 1]) {
    const session = await run.orchestrator.reserve();
    expect((await session.post("/stream")).status).toBe(502);
    await waitFor("its reservation", () => run.sessions.ids.includes(session.id));
    await session.stop();
    await run.nothingInUse();
    expect(logs.messages.filter((text) => text === message)).toHaveLength(count);
  }
  const hint = logs.all.find(({ message: [text] }) => text === message);
  expect(hint?.properties["why"]).toContain("must add 10.0.0.5:5000 to runner_grants");
  expect(JSON.stringify(logs.all)).not.toContain(new URL(run.runnerUrl).pathname);
});

test("a call between them ends the row of reservations without one", async () => {
  await using logs = await recordLogs("warning");
  const { table } = runners({ ORCH_URL: "http://127.0.0.1:9", RUNNER_URL: "http://10.0.0.5" });
  const { owner } = table;
  for (let n = 0; n < 5; n++) {
    owner.noteUncalled();
    owner.noteUncalled();
    owner.noteCall();
  }
  expect(logs.messages.filter((text) => text.includes("never called"))).toEqual([]);
  for (let n = 0; n < 3; n++) owner.noteUncalled();
  expect(JSON.stringify(logs.all)).toContain("must add 10.0.0.5:80 to runner_grants");
});

test("an address for callbacks that does not answer is reported with the orchestrators' settings", async () => {
  await using logs = await recordLogs("warning");
  const orchestrator = await standIn({ dialect: "go-livepeer", runnerHost: "127.0.0.2" });
  const { table } = runners({ ORCH_URL: orchestrator.url });
  await orchestrator.registered();
  await waitFor("the warning", () => logs.messages.length > 0);
  expect(logs.messages).toContain("runner: the orchestrator's callback address does not answer");
  expect(logs.all[0]?.properties["why"]).toContain("-liveRunnerAddr");
  expect(logs.all[0]?.properties["why"]).toContain("runner_service_url");
  expect(table.owner.isControlOrigin(new URL(orchestrator.runnerBase).origin)).toBe(true);
});

test("control URLs may be at ORCH_URL, at the orchestrator's callback address, or in ALLOW_HOSTS", async () => {
  const orchestrator = await standIn({ dialect: "livepeer-node", runnerHost: "localhost" });
  const { table } = runners({ ORCH_URL: orchestrator.url });
  const { port } = new URL(orchestrator.url);
  const isAllowed = (origin: string) => table.owner.isControlOrigin(origin);
  expect(isAllowed(`http://localhost:${port}`)).toBe(false);
  await orchestrator.registered();
  await waitFor("the answer", () => table.lists.length > 0);
  expect(
    [
      ...[orchestrator.url, `http://localhost:${port}`, "http://allowed:1"],
      ...[`https://localhost:${port}`, "http://localhost:1", "http://evil", "null", ""],
    ].map(isAllowed),
  ).toEqual([true, true, true, false, false, false, false, false]);
});

test("without o2r a reservation is noticed with the next heartbeat", async () => {
  const orchestrator = await standIn({ dialect: "go-livepeer" });
  const { table } = runners({ ORCH_URL: orchestrator.url });
  const runner = await orchestrator.registered();
  await runner.o2r?.close();
  const session = await orchestrator.reserve();
  await waitFor("the list", () => table.lists.some((list) => list.includes(session.id)));
  expect(table.events).toEqual([]);
});

test("a static runner registers nothing: its calls are found by RUNNER_KEY", async () => {
  const RUNNER_KEY = "static-key-of-22-or-more";
  const { all, tables } = runners({ RUNNER_KEY, ORCH_URL: "http://10.0.0.1", ORCH_SECRET: "" });
  expect(tables).toHaveLength(1);
  const found = all.byKey(RUNNER_KEY, "cellar");
  expect(found).toMatchObject({ orchestrator: "static", runnerId: null, key: RUNNER_KEY });
  expect(
    ["http://10.0.0.1", "http://allowed:1", "http://10.0.0.2"].map((one) =>
      found?.isControlOrigin(one),
    ),
  ).toEqual([true, true, false]);
  expect(all.byKey("another-key-of-22-or-more", "cellar")).toBeNull();
  expect(all.states).toEqual([]);
});

test("a static runner may serve batch capabilities, too", () => {
  const RUNNER_KEY = "static-key-of-22-or-more";
  const { all } = runners({ RUNNER_KEY, ORCH_SECRET: "", RUNNER_BATCH: "text-reversal" });
  expect(all.batchByKey(RUNNER_KEY, "text-reversal", "cellar")).toMatchObject({
    orchestrator: "static",
  });
  expect(all.batchByKey(RUNNER_KEY, "comfystream-image", "cellar")).toBeNull();
  expect(all.batchByKey("another-key-of-22-or-more", "text-reversal", "cellar")).toBeNull();
});

test("with RUNNER_KEY the route tells registrations and the static runner apart", async () => {
  const RUNNER_KEY = "shared-key-of-22-or-more";
  const orchestrators = [
    await standIn({ dialect: "go-livepeer" }),
    await standIn({ dialect: "livepeer-node" }),
  ];
  const { all } = runners({ RUNNER_KEY, ORCH_URL: orchestrators.map(({ url }) => url).join() });
  for (const orchestrator of orchestrators) {
    const { id: route } = await orchestrator.registered();
    const { url } = orchestrator;
    await waitFor("its answer", () => all.byKey(RUNNER_KEY, route)?.orchestrator === url);
    expect(all.byKey(RUNNER_KEY, "cellar")?.orchestrator).toBe("static");
  }
});

test("RUNNER_BATCH names batch capabilities of this program", () => {
  const env = { ORCH_URL: "http://127.0.0.1:9", RUNNER_BATCH: "text-reversal,comfystream-video,x" };
  expect(() => runners(env)).toThrow(
    "RUNNER_BATCH has names that are not batch capabilities of this program: comfystream-video, x; there are text-reversal, comfystream-image",
  );
});

test("a silent o2r is read anew from its newest message", async () => {
  const asked: string[] = [];
  const message = '{"event":"released","session":"s"}';
  await using channel = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: ({ url }) => {
      const seq = new URL(url).pathname.split("/").at(-1) ?? "";
      if (seq === "next") return new Response("", { headers: { "Lp-Trickle-Latest": "7" } });
      asked.push(seq);
      // The first connection goes silent, as one does whose peer has vanished.
      if (asked.length === 1 || seq !== "6") return new Promise<Response>(() => {});
      return new Response(message, {
        headers: { "Lp-Trickle-Seq": seq, "Lp-Trickle-Latest": "7" },
      });
    },
  });
  const stop = new AbortController();
  const released: string[] = [];
  const following = followO2r(
    { url: `http://127.0.0.1:${channel.port}/o2r` },
    { reserved: () => {}, released: (id) => void released.push(id) },
    { signal: stop.signal, orchestrator: "http://orch", silenceMs: 50, againMs: 20 },
  );
  await waitFor("the message", () => released.length > 0);
  stop.abort();
  await following;
  expect(asked.slice(0, 2)).toEqual(["0", "6"]);
  expect(released).toEqual(["s"]);
});

test("an orchestrator that fails for a while is reported when it fails and when it is back", async () => {
  await using logs = await recordLogs("info");
  const orchestrator = await standIn({ dialect: "go-livepeer" });
  orchestrator.calls.fail("heartbeat", { status: 503 });
  const { all, table } = runners({ ORCH_URL: orchestrator.url });
  await waitFor("a heartbeat", () => table.lists.length > 1);
  orchestrator.calls.fail("heartbeat", { status: 500, times: 2 });
  await waitFor("the failure", () => all.states[0]?.failure !== null);
  await waitFor("the end of it", () => all.states[0]?.failure === null);
  const own = logs.messages.filter((text) => text.includes("runner"));
  expect(own).toEqual([
    "runner: orchestrator not reached: still trying",
    "runner registered",
    "runner: orchestrator not reached: still trying",
    "runner: orchestrator reached again",
  ]);
  expect(table.events).toEqual([]);
  expect(all.states).toMatchObject([{ registered: true, since: expect.any(Date) }]);
});

test("a capacity is logged once engines are up, and the URL with its path and without its key", async () => {
  await using logs = await recordLogs("info");
  const orchestrator = await standIn({ dialect: "go-livepeer" });
  const { table } = runners(
    { ORCH_URL: orchestrator.url, RUNNER_URL: "http://worker:5000/base/" },
    { status: "loading" },
  );
  await waitFor("a heartbeat", () => table.lists.length > 1);
  table.status = "ready";
  await waitFor("the line", () => logs.messages.includes("runner ready"));
  const own = logs.all.filter(({ message: [text] }) => /^runner re/.test(String(text)));
  expect(own.map(({ message, properties }) => [message[0], properties])).toEqual([
    [
      "runner registered",
      {
        app: APP,
        orchestrator: orchestrator.url,
        runner: expect.any(String),
        url: "http://worker:5000/base",
        status: "loading",
      },
    ],
    ["runner ready", { app: APP, orchestrator: orchestrator.url, capacity: 4 }],
  ]);
});

test("R4: an answer that is no heartbeat's costs no registration, and the log says so once", async () => {
  await using logs = await recordLogs("info");
  const orchestrator = await standIn({ dialect: "go-livepeer" });
  const { all, table } = runners({ ORCH_URL: orchestrator.url });
  await waitFor("a heartbeat", () => table.lists.length > 1);
  orchestrator.calls.fail("heartbeat", { status: 400, times: 2 });
  await waitFor("the failure", () => all.states[0]?.failure?.kind === "refused");
  await waitFor("the end of it", () => all.states[0]?.failure === null);
  const own = logs.messages.filter((text) => text.includes("runner"));
  expect(own).toEqual([
    "runner registered",
    "runner: heartbeat not accepted: still trying",
    "runner: orchestrator reached again",
  ]);
  expect(table.events).toEqual([]);
  expect(all.states).toMatchObject([{ registered: true, since: expect.any(Date) }]);
});

test.each<[string, Record<string, string>, string[]]>([
  ["no orchestrator", {}, ["no runner is registered: ORCH_URL is not set"]],
  [
    "no secret",
    { ORCH_URL: "http://127.0.0.1:9" },
    ["no runner is registered: ORCH_SECRET is not set"],
  ],
  ["ORCH_MODE=byoc", { ORCH_MODE: "byoc" }, []],
])("with %s this server is no live runner, and the log says why", async (_what, env, messages) => {
  await using logs = await recordLogs("warning");
  const server = testServer({ runner: { RUNNER_APP: APP, ...env } });
  expect(server.runners).toBeNull();
  expect(logs.messages).toEqual(messages);
  await server.close();
});

test("a static runner that no orchestrator may call back is reported", async () => {
  await using logs = await recordLogs("warning");
  const RUNNER_KEY = "static-key-of-22-or-more";
  const server = testServer({ runner: { RUNNER_APP: APP, RUNNER_KEY } });
  expect(logs.messages).toEqual([
    "no session can start: neither ORCH_URL nor ALLOW_HOSTS names an orchestrator",
  ]);
  await server.close();
});

test.each(["register", "unregister"] as const)(
  "the command %s says that a runner alone is not its business",
  async (command) => {
    const env = { ORCH_MODE: "runner", RUNNER_APP: APP, ORCH_URL: "http://127.0.0.1:9" };
    const config = readConfig([], { ...env, ORCH_SECRET: SECRET });
    const asked = runOnce(command, config, "http://127.0.0.1:5000");
    expect(await asked.catch((error: Error) => error.message)).toStartWith(
      "ORCH_MODE=runner registers no capability",
    );
  },
);
