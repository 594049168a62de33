/** Three workers behind one capability URL, with the configurations in deploy/ and the real proxies. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { type Fleet, startFleet } from "../support/fleet.ts";
import { buildGo } from "../support/go-program.ts";
import { type CollectedSegment, collect } from "../support/live-stream.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(120_000);

const STREAMS = 30;
/** Fast enough for a segment a second, so that a gap shows; small enough for three workers on two cores. */
const PARAMS = { model: "test-card", width: 64, height: 64, fps: 2, segment_seconds: 1 };
const LONGEST_GAP_MS = 3000;
const EGRESS = { ingress: false, egress: true, data: false };

/** Caddy has no Debian package. */
const builtCaddy = Bun.which("caddy") === null ? buildGo(join(import.meta.dir, "caddy")) : null;
afterAll(() => {
  if (builtCaddy?.kind === "built") builtCaddy.remove();
});

/** The programs, or null and why they cannot be had. */
const PROXIES = [
  {
    name: "haproxy",
    program: Bun.which("haproxy", { PATH: `${process.env["PATH"]}:/usr/sbin` }),
    lack: "needs haproxy: apt-get install haproxy",
    // Two workers have as many places as there are streams: what one refuses, the other takes.
    places: STREAMS / 2,
  },
  {
    name: "caddy",
    program: builtCaddy?.kind === "built" ? builtCaddy.path : Bun.which("caddy"),
    lack: `needs caddy: ${builtCaddy?.kind === "unavailable" ? builtCaddy.why : ""}`,
    places: 25,
  },
] as const;

describe.each(PROXIES)("$name", ({ name, program, lack, places }) => {
  const note = program === null ? ` (${lack})` : "";
  let fleet: Fleet;
  beforeAll(async () => {
    if (program !== null) fleet = await startFleet({ name, program }, 3, places);
  });
  afterAll(() => fleet?.[Symbol.asyncDispose]());

  test.skipIf(program === null)(
    `when one of three workers is killed, its streams alone move, and the others have no gap${note}`,
    async () => {
      const stop = new AbortController();
      const outputs = await startStreams(fleet, stop.signal);
      await everyoneUpdates(fleet, [...outputs.keys()]);
      // Where a stream is follows from its id alone.
      await fleet.restartProxy();
      await everyoneUpdates(fleet, [...outputs.keys()]);

      const before = await fleet.placement();
      expect(before.flat().sort()).toEqual([...outputs.keys()].sort());
      for (const ids of before) expect(ids.length).toBeWithin(1, places + 1);
      const most = Math.max(...before.map(({ length }) => length));
      const lost = before.findIndex(({ length }) => length === most);
      const moved = before[lost] ?? [];
      fleet.workers[lost]?.kill("SIGKILL");
      await fleet.workers[lost]?.exited;

      // At once, before any health check has failed.
      for (const id of moved) {
        await fleet.streams.vanish(id);
        const { status, text } = await fleet.streams.start(id, EGRESS, { params: PARAMS });
        expect([status, text]).toEqual([200, expect.any(String)]);
      }
      await everyoneUpdates(fleet, [...outputs.keys()]);
      const after = await fleet.placement();
      expect(after[lost]).toEqual([]);
      expect(after.flat().sort()).toEqual([...outputs.keys()].sort());
      for (const [n, ids] of before.entries())
        if (n !== lost) expect(after[n]).toEqual(expect.arrayContaining([...ids]));

      await fleet.restart(lost);
      await newStreamsReach(fleet, lost);
      const untouched = before.flat().filter((id) => !moved.includes(id));
      await everyoneUpdates(fleet, name === "haproxy" ? [...outputs.keys()] : untouched);
      const last = await fleet.placement();
      for (const [n, ids] of after.entries())
        expect(last[n]).toEqual(expect.arrayContaining([...ids]));
      for (const id of untouched) expect(longestGap(outputs.get(id))).toBeLessThan(LONGEST_GAP_MS);
      stop.abort();
      for (const id of outputs.keys()) await fleet.streams.stop(id);
    },
  );

  test.skipIf(program === null || name === "caddy")(
    `a worker that is drained keeps its streams and gets no new ones${note || (name === "caddy" ? " (only HAProxy can)" : "")}`,
    async () => {
      const ids = ["before-0", "before-1", "before-2", "before-3", "before-4", "before-5"];
      for (const id of ids) await fleet.streams.start(id, EGRESS, { params: PARAMS });
      const drained = (await fleet.placement()).findIndex(({ length }) => length > 0);
      for (const backend of ["streams", "jobs"])
        await fleet.command(`set server ${backend}/worker${drained + 1} state drain`);
      const kept = (await fleet.placement())[drained] ?? [];
      await everyoneUpdates(fleet, ids);
      for (let n = 0; n < 12; n++)
        await fleet.streams.start(`after-${n}`, EGRESS, { params: PARAMS });
      expect((await fleet.placement())[drained]).toEqual(kept);
      expect((await fleet.placement()).flat()).toHaveLength(18);
      for (const id of (await fleet.placement()).flat()) await fleet.streams.stop(id);
      for (const backend of ["streams", "jobs"])
        await fleet.command(`set server ${backend}/worker${drained + 1} state ready`);
    },
  );

  test.skipIf(program === null)(
    `jobs have no stream, and a slow upload to any worker is passed on whole${note}`,
    async () => {
      const job = () => fleet.orchestrator.job("fleet-video", "text-reversal", '{"text":"abc"}');
      for (const answer of await Promise.all([job(), job(), job(), job()]))
        expect(await answer.json()).toEqual({ original: "abc", reversed: "cba" });
      const { url = "", token = "" } = fleet.orchestrator.capabilities.get("fleet-video") ?? {};
      const text = "a".repeat(1000);
      const parts = async function* () {
        yield `{"text":"`;
        for (let n = 0; n < 5; n++) {
          await Bun.sleep(100); // a sender that has no more at the moment
          yield text;
        }
        yield `"}`;
      };
      const answer = await fetch(`${url}/text-reversal`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: parts(),
      });
      expect(await answer.json()).toMatchObject({ original: text.repeat(5) });
      const refused = await fetch(`${url}/streams`);
      expect(refused.status).toBe(405);
    },
  );

  test.skipIf(program === null)(
    `a worker gives up a job whose caller has left${note}`,
    async () => {
      const { url = "", token = "" } = fleet.orchestrator.capabilities.get("fleet-video") ?? {};
      await waitFor("no place is in use", async () => (await usedPlaces(fleet)) === 0);
      const before = await timeouts(fleet);
      const left = new AbortController();
      const job = fetch(`${url}/comfystream-image`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ prompt: "a city", model: "dreamscape", width: 4096, height: 4096 }),
        signal: left.signal,
      });
      job.catch(() => {}); // it is left
      await waitFor("a worker takes the job", async () => (await usedPlaces(fleet)) > 0);
      left.abort();
      await waitFor("a worker gives the job up", async () => (await timeouts(fleet)) > before);
    },
  );
});

/** Starts all streams at once; returns the segments of each as they come, by its id. */
async function startStreams(fleet: Fleet, signal: AbortSignal) {
  const outputs = new Map<string, readonly CollectedSegment[]>();
  const ids = Array.from({ length: STREAMS }, (_, n) => `stream-${n}`);
  await Promise.all(
    ids.map(async (id) => {
      const { status, text } = await fleet.streams.start(id, EGRESS, { params: PARAMS });
      expect([status, text]).toEqual([200, expect.any(String)]);
      outputs.set(id, collect(fleet.streams.url(id, "output"), signal).segments);
    }),
  );
  await waitFor(
    "the first segments of all",
    () => [...outputs.values()].every(({ length }) => length >= 2),
    40_000,
  );
  return outputs;
}

/** Changes every stream through the proxy: each must be found at the worker that has it. */
async function everyoneUpdates(fleet: Fleet, ids: readonly string[]): Promise<void> {
  const answers = await Promise.all(ids.map((id) => fleet.streams.update(id, { fps: 2 })));
  const missed = ids.filter((_, n) => answers[n]?.status !== 200);
  expect(missed).toEqual([]);
}

/** Places in use at all workers. */
async function usedPlaces({ workers }: Fleet): Promise<number> {
  const used = workers.map(async ({ url }) => {
    const health = (await (await fetch(`${url}/health`)).json()) as { used: number };
    return health.used;
  });
  return (await Promise.all(used)).reduce((sum, one) => sum + one, 0);
}

/** Jobs that ended with 504 at any worker. */
async function timeouts({ workers }: Fleet): Promise<number> {
  const metrics = workers.map(async ({ url }) => await (await fetch(`${url}/metrics`)).text());
  const ended = /^comfystream_http_requests_total\{.*status="504".*\} (\d+)$/gm;
  const found = (await Promise.all(metrics)).flatMap((text) => [...text.matchAll(ended)]);
  return found.reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Starts new streams, one after the other, until this worker has one. */
async function newStreamsReach(fleet: Fleet, worker: number): Promise<void> {
  let n = 0;
  await waitFor("a new stream reaches the worker that is back", async () => {
    const id = `new-${n++}`;
    await fleet.streams.start(id, EGRESS, { params: PARAMS });
    const reached = (await fleet.placement())[worker]?.includes(id) ?? false;
    await fleet.streams.stop(id);
    return reached;
  });
}

/** Between the ends of two successive segments. */
function longestGap(segments: readonly CollectedSegment[] = []): number {
  const ends = segments.map(({ lastAt }) => lastAt);
  return Math.max(...ends.slice(1).map((end, n) => end - (ends[n] ?? 0)));
}
