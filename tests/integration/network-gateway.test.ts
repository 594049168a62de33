/** Whole streams of the real server, driven by the stand-in for orchestrator and gateway with its watchdogs armed. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { GatewayStandIn } from "../support/gateway.ts";
import type { StreamFlags } from "../support/gateway-orchestrator.ts";
import { api, enginePid } from "../support/live-stream.ts";
import { inputLoop, type NetworkNode, startNode } from "../support/network-node.ts";
import { holdings } from "../support/process-holdings.ts";
import { hostTrickle, type TrickleHost } from "../support/trickle-host.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(60_000);
quietLibav(); // segments that broke off are read, too

const ALL: StreamFlags = { ingress: true, egress: true, data: true };
const params = { model: "identity" };

let trickle: TrickleHost;
let node: NetworkNode;
let ids = 0;

beforeAll(async () => {
  trickle = hostTrickle({ autoCreate: false });
  node = await startNode({ port: trickle.port, base: "/trickle" });
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await trickle[Symbol.asyncDispose]();
});

async function start(flags: Partial<StreamFlags> = {}, kind: "whip" | "rtmp" = "whip") {
  const input = await inputLoop(kind);
  const id = `gateway-${++ids}`;
  const all = { ingress: false, egress: false, data: false, ...flags };
  return GatewayStandIn.start({ streams: node.streams, id, flags: all, params, input });
}

const segments = (gateway: GatewayStandIn, count: number) =>
  waitFor(`${count} segments`, () => gateway.output.segments >= count, 20_000);

const liveIds = async (): Promise<string[]> => {
  const answer = await fetch(`${node.worker.url}/streams`);
  const { streams } = (await answer.json()) as { streams: { manifest_id: string }[] };
  return streams.map(({ manifest_id }) => manifest_id);
};

/** No stream, no channel, no request at the trickle server, no connection of the worker's to it. */
async function quiet(): Promise<void> {
  await waitFor("no stream lives", async () => (await liveIds()).length === 0);
  const left = () => ({
    channels: trickle.server.channels,
    requests: trickle.pending(),
    connections: node.path.sockets,
  });
  const none = { channels: 0, requests: 0, connections: 0 };
  await waitFor("nothing to be left", () => Bun.deepEquals(left(), none)).catch(() => {});
  expect(left()).toEqual(none);
}

/** Nothing that a gateway would have left for, and output as its readers want it. */
function expectSound(gateway: GatewayStandIn): void {
  const { watchdogs, faults, output } = gateway;
  expect([watchdogs.firings, faults, output.faults, output.breaks]).toEqual([[], [], [], []]);
}

test("a stream answers and publishes events and video at once, takes updates by both ways, and leaves nothing behind", async () => {
  await using gateway = await start(ALL);
  const answeredAt = performance.now();
  expect(gateway.startAnswer.tookMs).toBeLessThan(2000);
  const first = await fetch(`${node.streams.url(gateway.id, "events")}/0`);
  expect(await first.json()).toMatchObject({ event: { type: expect.any(String) } });
  expect(performance.now() - answeredAt).toBeLessThan(2000);
  await segments(gateway, 2);
  gateway.control({ model: "edges" });
  await waitFor("the change by control", () => gateway.seen("params_updated").length === 1);
  const changed = await node.streams.update(gateway.id, { params: { model: "identity" } });
  expect(changed.status).toBe(200);
  await waitFor("the change by HTTP", () => gateway.seen("params_updated").length === 2);
  await segments(gateway, 3);
  const stopped = await gateway.stop();
  expect([stopped.status, stopped.tookMs < 2000]).toEqual([200, true]);
  expectSound(gateway);
  expect(gateway.output.missing).toEqual([]);
  expect(gateway.output.audioPackets).toBeGreaterThan(100);
  expect(gateway.lines.length).toBeGreaterThan(0);
  await quiet();
  expect(holdings(node.worker.pid).children).toBe(1);
});

test("RTMP's bursts of B-frames and AAC come out as pictures in order and Opus, in step", async () => {
  await using gateway = await start({ ingress: true, egress: true }, "rtmp");
  await segments(gateway, 3);
  await gateway.stop();
  expectSound(gateway);
  expect(gateway.output.missing).toEqual([]);
  expect(gateway.output.soundDelays.length).toBeGreaterThan(0);
  for (const delay of gateway.output.soundDelays) expect(Math.abs(delay)).toBeLessThan(0.02);
  await quiet();
});

test.each<[string, Partial<StreamFlags>]>([
  ["ingress only", { ingress: true }],
  ["egress only", { egress: true }],
  ["data only", { data: true }],
  ["control only", {}],
])("%s: it lives, can be stopped twice, and is gone", async (_name, flags) => {
  await using gateway = await start(flags);
  const { id } = gateway;
  expect(await liveIds()).toEqual([id]);
  if (flags.egress) await segments(gateway, 1);
  else await waitFor("a status", () => gateway.seen("status").length > 0);
  if (flags.data) await waitFor("a line", () => gateway.lines.length > 0, 30_000);
  if (flags.ingress) {
    const taken = async () => (await api(node.worker.url).stream(id)).stats.frames_in > 0;
    await waitFor("its input is read", taken);
  }
  expect((await gateway.stop()).status).toBe(200);
  expect((await node.streams.stop(id)).status).toBe(200);
  expectSound(gateway);
  await quiet();
});

test("a stop for one stream leaves the other alone", async () => {
  await using going = await start({ ingress: true });
  await using staying = await start({ egress: true });
  await going.stop();
  await segments(staying, staying.output.segments + 2);
  expect(await liveIds()).toEqual([staying.id]);
  await staying.stop();
  expectSound(staying);
  await quiet();
});

test("a start of an id that runs, in the same channels, takes its place", async () => {
  await using gateway = await start({ egress: true, data: true });
  await segments(gateway, 1);
  const { id } = gateway;
  node.streams.forget(id);
  const again = await node.streams.start(id, { ...ALL, ingress: false }, { params });
  expect(again.status).toBe(200);
  const { output } = gateway;
  const stopped = () => gateway.seen("stream_stopped").length === 1;
  await waitFor("the first has gone", stopped);
  await segments(gateway, output.segments + 2);
  expect(await liveIds()).toEqual([id]);
  await gateway.stop();
  expect(gateway.watchdogs.firings).toEqual([]);
  await quiet();
});

test("a gateway that vanishes without a stop ends the stream", async () => {
  await using gateway = await start(ALL);
  await segments(gateway, 1);
  await gateway[Symbol.asyncDispose]();
  await quiet();
});

test("an engine that is killed costs one marked joint and no watchdog", async () => {
  await using gateway = await start(ALL);
  await segments(gateway, 2);
  process.kill(await enginePid(node.worker.url), "SIGKILL");
  await waitFor("the joint", () => gateway.output.joints === 1, 20_000);
  await segments(gateway, gateway.output.segments + 2);
  await gateway.stop();
  expectSound(gateway);
  expect(gateway.output.joints).toBe(1);
  expect(gateway.seen("restart")).toHaveLength(1);
  await quiet();
});

test("a trickle server out of reach for two seconds costs what was under way and nothing after it", async () => {
  await using gateway = await start(ALL);
  await segments(gateway, 2);
  await node.path.cut();
  await Bun.sleep(2000); // the outage itself
  await node.path.mend();
  const before = gateway.output.segments;
  const events = gateway.events.length;
  await segments(gateway, before + 2);
  await waitFor("events go on", () => gateway.events.length > events);
  await gateway.stop();
  expect(gateway.watchdogs.firings).toEqual([]);
  expect(gateway.output.faults).toEqual([]);
  expect(gateway.watchdogs.longestOutputGapMs).toBeLessThan(8000);
  await quiet();
});
