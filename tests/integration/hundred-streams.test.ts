import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { enginePid } from "../support/live-stream.ts";
import {
  type ChannelName,
  closeChannel,
  control,
  eventsOf,
  makeChannels,
  orchestratorTrickle,
  readAll,
} from "../support/orchestrator-channels.ts";
import { FAKE_SERVER, MAIN, runProgram, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(40_000);

const STREAMS = 100;
const NAMES: ChannelName[] = ["control", "events", "data"];

test("a hundred streams each receive updates and publish events, and none delays another", async () => {
  await using host = orchestratorTrickle();
  await using server = await startServer(FAKE_SERVER, [
    ...["--max-streams", String(STREAMS)],
    ...["--allow-hosts", "127.0.0.1", "--log-level", "info"],
  ]);
  await enginePid(server.url);
  const stop = new AbortController();
  const streams = await Promise.all(
    Array.from({ length: STREAMS }, async (_, n) => {
      const id = `gw-${n}`;
      const urls = await makeChannels(host, id, NAMES);
      const { seen } = readAll(host.url(`${id}-events`), stop.signal);
      // Nothing to say on the data channel: its connections are held for the whole test.
      const params = { prompts: "load for ever" };
      const body = JSON.stringify({ gateway_request_id: id, params, ...urls });
      const headers = { "x-stream-id": id };
      const asked = performance.now();
      const answer = await fetch(`${server.url}/stream/start`, { method: "POST", body, headers });
      return { id, seen, asked, status: answer.status, took: performance.now() - asked };
    }),
  );
  expect(streams.map(({ status }) => status)).toEqual(streams.map(() => 200));
  await waitFor("the first events of all", () => streams.every(({ seen }) => seen.length >= 3));
  // A waiting GET and two silent POSTs each, more than a process may have by default; and our own GETs.
  await waitFor("all requests to be open", () => host.pending() >= 4 * STREAMS);
  await Promise.all(streams.map(({ id }, n) => control(host, id, `{"fps": ${1 + (n % 60)}}`)));
  const updated = (n: number) => eventsOf(streams[n]?.seen ?? [], "params_updated");
  await waitFor("the updates of all", () => streams.every((_, n) => updated(n).length === 1));
  expect(streams.every((_, n) => updated(n)[0].params.fps === 1 + (n % 60))).toBe(true);
  // The next beat comes after 5 s.
  await waitFor("the status of all", () =>
    streams.every(({ seen }) => eventsOf(seen, "status").length >= 2),
  );
  const first = streams.map(({ seen, asked }) => (seen[0]?.at ?? Number.POSITIVE_INFINITY) - asked);
  expect(Math.max(...first)).toBeLessThan(3000);
  await Promise.all(streams.map(({ id }) => closeChannel(host, id, "control")));
  await waitFor("the end of all", async () => {
    const health = await fetch(`${server.url}/health`);
    return ((await health.json()) as { active_streams: number }).active_streams === 0;
  });
  stop.abort();
});

test("the server has room for requests in its own process: pid, signals and exit codes are as they were", async () => {
  await using server = await startServer(MAIN);
  await enginePid(server.url);
  const environment = readFileSync(`/proc/${server.pid}/environ`, "utf8").split("\0");
  expect(environment).toContain("BUN_CONFIG_MAX_HTTP_REQUESTS=65535");
  expect(readFileSync(`/proc/${server.pid}/cmdline`, "utf8")).toContain("--log-format\0json");
  server.kill("SIGTERM");
  expect(await server.exited).toBe(0);
});

test("a limit that somebody has set stays", async () => {
  const flags = ["server", "--host", "203.0.113.9"];
  const { code, err } = await runProgram(MAIN, flags, { BUN_CONFIG_MAX_HTTP_REQUESTS: "1000" });
  expect(code).toBe(1);
  expect(err).toContain("--host 203.0.113.9 is not an address of this machine");
});
