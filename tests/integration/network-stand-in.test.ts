/** Tests that the simulated gateway reports what a real one would give up for, with workers that fail on demand. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { GatewayStandIn } from "../support/gateway.ts";
import { OrchestratorStreams } from "../support/gateway-orchestrator.ts";
import { Orchestrator } from "../support/orchestrator.ts";
import { hostTrickle, type TrickleHost } from "../support/trickle-host.ts";
import { waitFor } from "../support/wait-for.ts";

const FLAGS = { ingress: false, egress: true, data: true };
const CAPABILITY = "failing";

let trickle: TrickleHost;
let orchestrator: Orchestrator;
let streams: OrchestratorStreams;
let ids = 0;

beforeAll(async () => {
  trickle = hostTrickle({ autoCreate: false });
  orchestrator = await Orchestrator.start({ secret: "" });
  const trickleUrl = trickle.url("").replace(/\/$/, "");
  streams = new OrchestratorStreams({ orchestrator, capability: CAPABILITY, trickleUrl });
});
afterAll(async () => {
  await orchestrator[Symbol.asyncDispose]();
  await trickle[Symbol.asyncDispose]();
});

/** A registered worker that answers each path as a test wants. */
function worker(answers: Readonly<Record<string, () => Response | Promise<Response>>>) {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => answers[new URL(request.url).pathname]?.() ?? new Response("ok"),
  });
  const offer = { capacity: 1, price_per_unit: 0, price_scaling: 1, currency: "", description: "" };
  const url = `http://127.0.0.1:${server.port}`;
  orchestrator.capabilities.set(CAPABILITY, {
    name: CAPABILITY,
    url,
    token: "",
    load: 0,
    ...offer,
  });
  return { [Symbol.asyncDispose]: () => server.stop(true) };
}

const start = () => GatewayStandIn.start({ streams, id: `failing-${++ids}`, flags: FLAGS });
const names = (gateway: GatewayStandIn) => gateway.watchdogs.firings.map((one) => one.watchdog);

test("a start that is not answered in time fails, and its channels are closed", async () => {
  const never = Promise.withResolvers<Response>();
  await using _worker = worker({ "/stream/start": () => never.promise });
  const answer = await streams.start("silent", FLAGS, { timeoutMs: 100 });
  expect(answer.status).toBe(500);
  expect(trickle.server.channels).toBe(0);
  never.resolve(new Response());
});

test("a refused start throws with the worker's message; a 401 makes the orchestrator forget the worker", async () => {
  await using _busy = worker({ "/stream/start": () => new Response("busy", { status: 503 }) });
  await expect(start()).rejects.toThrow("start: 503 busy");
  await waitFor("the channels are closed", () => trickle.server.channels === 0);
  expect(orchestrator.capabilities.has(CAPABILITY)).toBe(true);
  await using _denying = worker({ "/stream/start": () => new Response("no", { status: 401 }) });
  await expect(start()).rejects.toThrow("start: 401 no");
  await waitFor("it is forgotten", () => !orchestrator.capabilities.has(CAPABILITY));
});

test("a failed stop fires", async () => {
  await using _worker = worker({ "/stream/stop": () => new Response("stuck", { status: 500 }) });
  const gateway = await start();
  await gateway.stop();
  expect(gateway.watchdogs.firings.map(({ reason }) => reason)).toEqual(["500 stuck"]);
  expect(names(gateway)).toEqual(["stop"]);
});

test.each(["output", "data", "events", "control"] as const)(
  "a worker that ends the %s channel makes the gateway leave",
  async (role) => {
    await using _worker = worker({});
    await using gateway = await start();
    await fetch(streams.url(gateway.id, role), { method: "DELETE" });
    // A channel that it reads ends at once. In one that it writes, one segment was connected before; the next is refused.
    if (role === "control") for (const keep of ["alive", "alive"]) gateway.control({ keep });
    await waitFor("it is told", () => names(gateway).includes("closed"));
    expect(gateway.watchdogs.firings[0]?.reason).toStartWith(`${role} channel`);
  },
);

test("an event that is not an object, and a line that is too long, are faults and not signs of life", async () => {
  await using _worker = worker({});
  await using gateway = await start();
  const post = (role: "events" | "data", body: string) =>
    fetch(`${streams.url(gateway.id, role)}/-1`, { method: "POST", body });
  // A gateway reads from the next segment on and never sees what was written before it connected.
  const posted = (what: string, role: "events" | "data", body: string) =>
    waitFor(what, async () => {
      await post(role, body);
      return gateway.faults.some((fault) => fault.startsWith(what));
    });
  await posted("event: [1]", "events", "[1]");
  await posted("a data line is too long", "data", `${"x".repeat(70_000)}\n{}`);
  expect(gateway.lines).toContain("{}");
  expect(gateway.events).toEqual([]);
  await post("events", JSON.stringify({ event: { type: "status", state: "ONLINE" } }));
  await waitFor("the status is stored", () => gateway.seen("status").length === 1);
  expect(gateway.status.at(performance.now())).toEqual({ type: "status", state: "ONLINE" });
});
