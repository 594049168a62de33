/**
 * What reaches a worker when a page uses muxionlabs/byoc-sdk (1.1) with a gateway: the gateway parses the parameters of the
 * start and passes updates and stops on as they come (protocol.md 1.4 to 1.6).
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { dataOf, networkServer } from "../support/network-server.ts";
import { eventsOf } from "../support/orchestrator-channels.ts";
import { waitFor } from "../support/wait-for.ts";

let net: Awaited<ReturnType<typeof networkServer>>;
beforeAll(async () => {
  net = await networkServer();
});
afterAll(() => net.close());

test("its start, update and stop are understood in full, and its data and status have what pages show", async () => {
  // `fpsLimit` and `customParams` of its StreamStartOptions.
  const params = { height: 512, width: 512, max_framerate: 30, prompts: "analyze this video" };
  const stream = await net.start({ params });
  expect(stream.answer.status).toBe(200);
  expect(stream.answer.body.ignored).toBeUndefined();
  const { metadata, params: applied } = stream.answer.body.stream;
  expect(metadata).toMatchObject({
    width: 512,
    height: 512,
    prompts: [{ prompt: "analyze this video" }],
  });
  expect(applied.fps).toBe(30);

  // `Stream.update` sends the fields themselves; `StreamPublisher.updateStream` of 1.0 wrapped them.
  for (const [n, body] of [
    { prompts: "new instructions" },
    { params: { prompts: "others" } },
  ].entries()) {
    const { status, body: answer } = await net.post("/stream/params", stream.id, body);
    expect([status, answer.ignored]).toEqual([200, undefined]);
    const updates = () => eventsOf(stream.events, "params_updated");
    await waitFor("the update is reported", () => updates().length > n);
  }
  expect(stream.record?.params.prompts).toEqual([{ prompt: "others" }]);
  await waitFor("a status", () => eventsOf(stream.events, "status").length > 0);
  await waitFor("data", () => dataOf(stream.data).length > 0);

  // The SDK's body, which the gateway passes on without a Content-Type; then the gateway's own stop.
  const stopped = await net.post("/stream/stop", stream.id, { stream_id: stream.id });
  expect(stopped.status).toBe(200);
  await net.ended(stream.id);
  expect((await net.post("/stream/stop", stream.id)).status).toBe(200);
});
