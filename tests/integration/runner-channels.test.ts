/** The channels beside a session's media: what they carry, and that silence does not end them (live-runner.md 4.5). The engine is a fake. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { SESSION_CHANNELS } from "../../src/server/protocols/live-runner/live-runner-protocol.ts";
import { runnerServer } from "../support/live-runner/runner-server.ts";
import { recordLogs } from "../support/log-records.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

const { timing } = SESSION_CHANNELS;
/** A minute is 20 ms; nothing is reported by itself. */
const MINUTE_MS = 20;
const QUIET = {
  ...SESSION_CHANNELS,
  timing: { ...timing, beatMs: 600_000, batchMs: 3, emptySegmentMs: MINUTE_MS },
};

/** The texts of all segments of a channel until now. Those that it does not hold any more are empty. */
async function textsOf(url: string): Promise<string[]> {
  const latest = Number((await fetch(`${url}/next`)).headers.get("lp-trickle-latest"));
  const numbers = Array.from({ length: latest }, (_, seq) => seq);
  return await Promise.all(
    numbers.map(async (seq) => {
      const segment = await fetch(`${url}/${seq}`);
      const text = await segment.text();
      return segment.status === 200 ? text : "";
    }),
  );
}

test("A8 silent channels of events and data get an empty segment a minute, and nothing but objects besides", async () => {
  expect(timing).toMatchObject({ emptySegmentMs: 60_000, keepAliveMs: null, silenceMs: null });
  await using running = await runnerServer({
    dialect: "livepeer-node",
    timing: { sideChannels: QUIET },
  });
  const session = await running.orchestrator.reserve();
  const started = await session.post("/stream", { model: "restyle", events: true, data: true });
  const { events, data } = started.body;
  const seen = { events: new Map<number, string>(), data: new Map<number, string>() };
  const look = async () => {
    for (const [seq, text] of (await textsOf(events)).entries())
      if (text) seen.events.set(seq, text);
    for (const [seq, text] of (await textsOf(data)).entries()) if (text) seen.data.set(seq, text);
  };
  await waitFor("the first events", async () => {
    await look();
    return seen.events.size > 0;
  });
  // Three minutes of silence.
  const [quietEvents, quietData] = [(await textsOf(events)).length, (await textsOf(data)).length];
  await waitFor("empty segments", async () => {
    const lengths = [(await textsOf(events)).length, (await textsOf(data)).length];
    return (lengths[0] ?? 0) >= quietEvents + 4 && (lengths[1] ?? 0) >= quietData + 4;
  });
  expect((await textsOf(events)).slice(-3)).toEqual(["", "", ""]);
  expect((await textsOf(data)).slice(-3)).toEqual(["", "", ""]);
  await session.post("/update", { model: "painter", strength: 2 });
  await waitFor("the report of the model", async () => {
    await look();
    return [...seen.data.values()].some((text) => text.includes('"painter"'));
  });
  for (const text of seen.events.values()) expect(JSON.parse(text)).toBeObject();
  const lines = [...seen.data.values()].flatMap((text) => text.split("\n").filter(Boolean));
  for (const line of lines) {
    const message = JSON.parse(line);
    expect(Array.isArray(message)).toBeFalse();
    expect(message).toMatchObject({ type: expect.any(String) });
  }
});

test("a channel beside the media that its client closes ends nothing but itself", async () => {
  await using running = await runnerServer({ dialect: "go-livepeer" });
  const session = await running.orchestrator.reserve();
  const all = { events: true, data: true, control: true };
  const { body } = await session.post("/stream", { model: "painter", ...all });
  for (const name of ["control", "events", "data"])
    expect((await fetch(body[name], { method: "DELETE" })).status).toBe(200);
  const updated = await session.post("/update", { strength: 2 });
  expect(updated.body).toMatchObject({ status: "active", params: { strength: 2 } });
  await running.beats();
  expect((await session.get("/session")).body.status).toBe("active");
});

test("what cannot be applied of control messages is an event and no fault in the log, and changes nothing", async () => {
  await using logs = await recordLogs("warning");
  await using running = await runnerServer({ dialect: "go-livepeer" });
  const session = await running.orchestrator.reserve();
  const { body } = await session.post("/stream", { model: "edges", events: true, control: true });
  const messages = [
    ['{"mode": "robot"}', "parameters not applied: model is unknown"],
    ['{"width": "wide"}', "parameters not applied: width must be"],
    ['{"params": 5}', "parameters not applied: params must be an object"],
    ["[]", "control message must be a JSON object, got []"],
    ["5", "control message must be a JSON object, got 5"],
    ['{"paused": true}', "parameters ignored: paused"],
  ] as const;
  for (const [seq, [message, error]] of messages.entries()) {
    await fetch(`${body.control}/${seq}`, { method: "POST", body: message });
    await waitFor(`the event of ${message}`, async () => {
      const events = (await textsOf(body.events)).filter(Boolean).map((text) => JSON.parse(text));
      return events.some(({ event }) => event.type === "error" && event.message.startsWith(error));
    });
  }
  const { params, status } = (await session.get("/session")).body;
  expect([params.model, status]).toEqual(["edges", "active"]);
  expect(logs.messages.filter((message) => message.includes("unexpected"))).toEqual([]);
});

test("sessions that end in any normal way at livepeer-node are no warning, whatever their channels", async () => {
  await using logs = await recordLogs("warning");
  // A heartbeat has as long as its interval: a busy machine answers none within the usual 20 ms.
  await using running = await runnerServer({
    dialect: "livepeer-node",
    orchestrator: { intervalMs: 1000 },
  });
  const { orchestrator } = running;
  const start = async () => {
    const session = await orchestrator.reserve();
    await session.post("/stream", { model: "edges", events: true, data: true, control: true });
    return session;
  };
  const [stopped, left, released] = [await start(), await start(), await start()];
  await stopped.post("/stop");
  await left.stop();
  await orchestrator.release(released.id);
  for (const session of [stopped, left, released]) await running.released(session);
  await running.nothingInUse();
  await running.close();
  expect(logs.messages).toEqual([]);
});
