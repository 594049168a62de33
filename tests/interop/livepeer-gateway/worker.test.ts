/** Tests the worker with livepeer-gateway's client, behind a simulated orchestrator of each kind. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { DialectName } from "../../support/live-runner/dialect.ts";
import { APP, type RunnerNode, startRunnerNode } from "../../support/live-runner/runner-node.ts";
import { StandInOrchestrator } from "../../support/live-runner/stand-in.ts";
import { ownCertificate } from "../../support/own-certificate.ts";
import { waitFor } from "../../support/wait-for.ts";
import { installGateway, PythonPeer, type Seen } from "./python-peer.ts";

setDefaultTimeout(60_000);

const packages = installGateway();
const SIZE = { width: 160, height: 120, fps: 20 };
const TIMING = { intervalMs: 300 };
const UNVERIFIED = { tls: { rejectUnauthorized: false } };
const DIALECTS = ["go-livepeer", "livepeer-node"] as const;

let node: RunnerNode;
let second: StandInOrchestrator;

/** The end of the last test of each dialect: those of one take turns, the dialects run side by side. */
const turns = new Map<DialectName, Promise<void>>();

function interop(dialect: DialectName, title: string, body: () => Promise<void>): void {
  if (packages.kind !== "installed") {
    test.skip(`${title} (${dialect}; no livepeer-gateway: ${packages.why})`, body);
    return;
  }
  test.concurrent(`${title} (${dialect})`, async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = turns.get(dialect);
    turns.set(dialect, promise);
    await before;
    await body().finally(resolve);
  });
}

beforeAll(async () => {
  if (packages.kind !== "installed") return;
  second = await StandInOrchestrator.start({ dialect: "livepeer-node", ...TIMING });
  // One worker for both, as in the network: each orchestrator knows its own sessions only.
  const tls = ownCertificate(); // go-livepeer's default; plain without openssl
  node = await startRunnerNode({
    dialect: "go-livepeer",
    ...(tls && { tls }),
    ...TIMING,
    others: [second.url],
    env: { MAX_STREAMS: "4", RUNNER_END_GRACE: "2s", RUNNER_BATCH: "text-reversal" },
  });
  await second.registered();
});

afterAll(async () => {
  await node?.[Symbol.asyncDispose]();
  await second?.[Symbol.asyncDispose]();
});

const at = (dialect: DialectName): StandInOrchestrator =>
  dialect === "go-livepeer" ? node.orchestrator : second;

/** A client with a session that has started and whose input and output flow. Disposing leaves nothing of it. */
async function started(dialect: DialectName, params: object, media: object = { gop: 1 }) {
  const orchestrator = at(dialect);
  await waitFor("a place is offered", () => {
    const { offer, sessions } = orchestrator.runner;
    return offer.status === "ready" && offer.capacity > sessions.size;
  });
  const client = new PythonPeer(packages, "client");
  const reserved = await client.do("reserve", { orchestrator: orchestrator.url, app: APP });
  const { session_id: id, app_url: appUrl } = reserved as { session_id: string; app_url: string };
  const frames = (): Seen[] => client.with("frame");
  const released = () => waitFor("the release", () => orchestrator.session(id) === undefined);
  const peer = {
    client,
    orchestrator,
    id,
    frames,
    released,
    session: async () => (await fetch(`${appUrl}/session`, UNVERIFIED)).json() as Promise<Seen>,
    more: (count: number) => {
      const wanted = frames().length + count;
      return waitFor(`${count} more frames`, () => frames().length >= wanted);
    },
    /** The session's counts once more fallback frames are counted. */
    async moreFallback(): Promise<Seen> {
      const before = (await peer.session())["performance"].frames_fallback;
      let now: Seen = {};
      await waitFor("more fallback frames", async () => {
        now = (await peer.session())["performance"];
        return now["frames_fallback"] > before;
      });
      return now;
    },
    /** Mean red, green and blue of the newest frame. */
    colour: (): [number, number, number] => frames().at(-1)?.["colour"] ?? [0, 0, 0],
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      if (orchestrator.session(id) !== undefined) await orchestrator.release(id);
    },
  };
  try {
    const start = await client.do("post", { path: "/stream", payload: params });
    await client.do("read", { url: start["out"] });
    await client.do("publish", { url: start["in"], ...SIZE, ...media });
    for (const kind of ["events", "data"])
      if (start[kind] !== undefined) await client.do("watch", { kind, url: start[kind] });
  } catch (error) {
    await peer[Symbol.asyncDispose]();
    throw error;
  }
  return peer;
}

for (const dialect of DIALECTS) {
  const isGo = dialect === "go-livepeer";

  interop(
    dialect,
    "livepeer-gateway's client gets restyled video, steers it and leaves",
    async () => {
      const look = { model: "restyle", prompt: "a red sunset", strength: 1 };
      const params = { ...look, events: true, data: true };
      const media = isGo ? { gop: 0.25, audio: true } : { gop: 2 };
      await using peer = await started(dialect, params, media);
      const { client, colour, session } = peer;
      await waitFor("red video", () => colour()[0] > colour()[1] + 40);

      const update = { path: "/update", payload: { prompt: "a green forest" } };
      expect(await client.do("post", update)).toMatchObject({ session: peer.id, status: "active" });
      await waitFor("green video", () => colour()[1] > colour()[0] + 10);

      const pause = { path: "/pause", payload: { reason: "a break" } };
      expect(await client.do("post", pause)).toMatchObject({ status: "paused" });
      await waitFor("the fallback", async () => (await session())["output"] === "paused");
      // Counts come with the engine's reports: the first one after the pause has all frames before it.
      const paused = await peer.moreFallback();
      expect((await peer.moreFallback())["frames_processed"]).toBe(paused["frames_processed"]);
      const resume = { path: "/resume", payload: {} };
      expect(await client.do("post", resume)).toMatchObject({ status: "active" });
      await waitFor("live again", async () => (await session())["output"] === "live");
      await peer.more(5);

      const sent = await client.do("finish");
      expect(sent).toMatchObject({ dropped: 0, failed: 0 });
      const read = await client.do("ended");
      await waitFor("the end", async () => (await session())["status"] === "completed");
      const usage = await session();
      expect(usage["frames_in"]).toBe(sent["frames"].video);
      expect(usage["frames_processed"] + usage["frames_fallback"]).toBe(read["video"]);
      const times = peer.frames().map(({ frame }) => frame);
      expect(times).toEqual([...new Set(times)].sort((a, b) => a - b)); // rising
      expect(read["video"]).toBe(times.length);
      expect(read["audio"] > 0).toBe(isGo);
      await client.do("stop"); // raises nothing
      await peer.released();
      await client.do("watched"); // the readers of events and data raised nothing
      expect(client.with("events").length).toBeGreaterThan(0);
    },
  );

  interop(
    dialect,
    "the place of livepeer-gateway's client that was killed is sold again",
    async () => {
      const params = { model: "identity", idle_timeout_s: 2 };
      await using lost = await started(dialect, params);
      await lost.more(20);
      const shown = lost.frames().flatMap(({ shows }) => shows ?? []); // without fallbacks
      expect(shown).toEqual([...new Set(shown)].sort((a, b) => a - b)); // no picture twice
      const killedAt = performance.now();
      await lost.client.kill();
      await lost.released();
      expect(performance.now() - killedAt).toBeGreaterThan(1000);

      const next = await lost.orchestrator.reserve();
      expect((await next.post("/stream", params)).status).toBe(200);
      await next.stop();
    },
  );

  interop(
    dialect,
    "livepeer-gateway's client calls a batch capability as a single-shot app",
    async () => {
      await using client = new PythonPeer(packages, "client");
      const call = {
        orchestrator: at(dialect).url,
        app: "live-video-to-video/text-reversal",
        path: "/any",
        payload: { text: "abc" },
      };
      expect(await client.do("call_once", call)).toMatchObject({ reversed: "cba" });
    },
  );
}
