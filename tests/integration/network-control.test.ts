import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { networkServer, newId } from "../support/network-server.ts";
import {
  CHANNEL_NAMES,
  type ChannelName,
  closeChannel,
  control,
  eventsOf,
  makeChannels,
} from "../support/orchestrator-channels.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

let net: Awaited<ReturnType<typeof networkServer>>;
beforeAll(async () => {
  net = await networkServer();
});
afterAll(() => net.close());

test("updates are applied as over HTTP: in order, merged, wrapped or not, one or several a segment", async () => {
  const { id, events, record } = await net.start({ params: { prompts: "a cat", fps: 9 } });
  await control(net.host, id, '{"keep":"alive"}');
  await control(net.host, id, "");
  await control(net.host, id, "[1]");
  await control(net.host, id, '{"fps": 5}\n{"params": {"model": "edges", "strength": 2}}\n');
  await control(net.host, id, '{"params": "{\\"fps\\": null}"}');
  await control(net.host, id, '{\n "fit": "contain"\n}');
  await waitFor("the last", () => record?.params.fit === "contain");
  expect(record?.params).toMatchObject({
    prompts: [{ prompt: "a cat" }],
    model: "edges",
    model_params: { strength: 2 },
  });
  expect(record?.params.fps).toBeUndefined();
  expect(eventsOf(events, "error")).toEqual([]);
  await waitFor("news of each", () => eventsOf(events, "params_updated").length === 4);
  await net.end(id);
});

test("a bad message is reported and changes nothing; the next one is applied", async () => {
  const { id, events, record } = await net.start({ params: { fps: 9 } });
  await control(net.host, id, "{broken");
  await control(net.host, id, '{"fps": 100}');
  await control(net.host, id, '{"model": "none"}');
  await control(net.host, id, '{"fit": "contain"}');
  await waitFor("the good one", () => record?.params.fit === "contain");
  expect(record?.params.fps).toBe(9);
  await waitFor("the errors", () => eventsOf(events, "error").length === 3);
  expect(eventsOf(events, "error").map(({ message }) => message)).toEqual([
    expect.stringContaining("not valid JSON"),
    expect.stringContaining("fps"),
    expect.stringContaining("none"),
  ]);
  await net.end(id);
});

test("a message of 10 MB is applied; one beyond 12 MiB is reported as too long", async () => {
  const { id, events, record } = await net.start();
  const large = (mib: number, fps: number) =>
    control(net.host, id, JSON.stringify({ note: "x".repeat(mib * 1024 * 1024), fps }));
  await large(10, 11);
  await waitFor("it", () => record?.params.fps === 11);
  await large(13, 12);
  await control(net.host, id, '{"fit": "contain"}');
  await waitFor("what follows", () => record?.params.fit === "contain");
  expect(record?.params.fps).toBe(11);
  await waitFor("the error", () => eventsOf(events, "error").length === 1);
  expect(eventsOf(events, "error")[0].message).toContain("at most 12582912");
  await net.end(id);
});

test.each<ChannelName>(["control", "events", "data"])(
  "the end of the %s channel ends the stream",
  async (name) => {
    const { id, events } = await net.start();
    await waitFor("the start", () => events.length > 2);
    await closeChannel(net.host, id, name);
    await net.ended(id);
    expect(net.server.store.get(id).status).toBe("stopped");
  },
);

test.each<ChannelName>(["control", "events", "data"])(
  "a stream whose %s channel is not there fails with that reason",
  async (name) => {
    const id = newId();
    const others = CHANNEL_NAMES.filter((one) => one !== name);
    const urls = await makeChannels(net.host, id, others);
    const missing = { [`${name}_url`]: net.host.url(`${id}-${name}`) };
    await net.post("/stream/start", id, { gateway_request_id: id, ...urls, ...missing });
    await net.ended(id);
    expect(net.server.store.get(id).toJSON()).toMatchObject({
      status: "error",
      error: expect.stringContaining(`${name}_url: `),
    });
  },
);

test("silence after a keep-alive ends the stream; a stream that never had one stays", async () => {
  const kept = await net.start();
  const quiet = await net.start();
  await control(net.host, kept.id, '{"keep":"alive"}');
  await net.ended(kept.id);
  expect(net.server.store.get(kept.id).status).toBe("stopped");
  expect(net.server.store.get(quiet.id).endedAt).toBeNull();
  await net.end(quiet.id);
});
