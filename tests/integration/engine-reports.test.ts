import { expect, setDefaultTimeout, test } from "bun:test";
import { api, enginePid } from "../support/live-stream.ts";
import { FAKE_SERVER, type ServerProcess, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

async function start(): Promise<ServerProcess> {
  const server = await startServer(FAKE_SERVER, ["--allow-hosts", "127.0.0.1"]);
  await enginePid(server.url);
  return server;
}

/** Starts a stream whose engine then says this. */
const startTelling = ({ url }: ServerProcess, message: object): Promise<string> => {
  const prompts = `say ${JSON.stringify([message])}`;
  return api(url).start({ prompts, stream_url: `${url}/trickle/out` });
};

test("a stream ends although its engine reports that in a form which is not understood", async () => {
  await using server = await start();
  const report = { type: "ended", id: "x", error: { kind: "of no kind", message: 5 } };
  // It may end before its start is answered.
  await startTelling(server, { type: "report", number: 1, report }).catch(() => {});
  const health = () => api(server.url).health();
  await waitFor("its end", async () => (await health()).active_streams === 0);
  expect((await health()).healthy).toBe(true);
});

test("an engine whose models are not understood is replaced", async () => {
  await using server = await start();
  await startTelling(server, { type: "ready", models: 5 });
  const restarts = async () => (await api(server.url).health()).engines[0].restarts;
  await waitFor("another engine", async () => (await restarts()) === 1);
});
