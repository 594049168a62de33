/** A picture as server-sent events, from the real engine through an orchestrator's relay (protocol.md 1.3.1). */
import { expect, setDefaultTimeout, test } from "bun:test";
import { Orchestrator } from "../support/orchestrator.ts";
import { readUntilDone } from "../support/orchestrator-relay.ts";
import { FAKE_SERVER, MAIN, startServer } from "../support/server-process.ts";

setDefaultTimeout(60_000);

const NAME = "comfystream-image";
const request = { prompt: "northern lights", seed: 3, width: 640, height: 480 };

test("a picture of many lines arrives through the relay as it would in one piece, step by step", async () => {
  await using server = await startServer(MAIN, ["--device", "cpu"]);
  await using orch = await Orchestrator.start({ secret: "s" });
  const offer = { name: NAME, url: `${server.url}/c/${NAME}`, capacity: 1 };
  const init = { method: "POST", headers: { authorization: "s" }, body: JSON.stringify(offer) };
  expect((await fetch(`${orch.url}/capability/register`, init)).status).toBe(200);

  const first = await orch.job(NAME, "", JSON.stringify(request));
  const { images } = (await first.json()) as { images: { data: string }[] };
  const body = JSON.stringify({ ...request, stream: true, image: images[0]?.data });
  const lines = await readUntilDone(await orch.job(NAME, "", body));
  const events = lines
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice(6)));

  const steps = events.filter(({ type }) => type === "progress");
  expect(steps.map(({ step }) => step)).toEqual([
    "queued",
    "decode",
    "load",
    "inference",
    "encode",
  ]);
  const times = steps.map(({ elapsed_ms }) => elapsed_ms);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(events.find(({ type }) => type === "metadata").metadata).toMatchObject({ seed: 3 });

  const parts = events.filter(({ type }) => type === "result");
  expect(parts.length).toBeGreaterThan(4);
  const joined = JSON.parse(parts.map(({ json }) => json).join(""));
  const again = await orch.job(NAME, "", JSON.stringify({ ...request, image: images[0]?.data }));
  expect(joined).toEqual(await again.json());
  expect(orch.available(NAME)).toBe(1);
});

test("a server that shuts down lets jobs finish for a while, then ends them with an error event and the done line", async () => {
  await using server = await startServer(FAKE_SERVER, ["--grace", "1s"]);
  const ask = (prompt: string, stream: boolean) =>
    fetch(`${server.url}/${NAME}`, { method: "POST", body: JSON.stringify({ prompt, stream }) });
  const [held, followed] = [ask("hold", false), await ask("hold", true)];
  const events = followed.text();
  server.kill("SIGTERM");
  const text = await events;
  expect(text).toContain('"code":"at_capacity"');
  expect(text).toEndWith("data: [DONE]\n\n");
  const answer = await held;
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ code: "at_capacity" });
  expect(await server.exited).toBe(0);
});
