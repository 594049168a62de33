/** Credentials in no log: a real server and its engine at level debug, through a stream's life and its failures. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { logId } from "../../src/log.ts";
import { MAIN } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(60_000);

const SECRETS = {
  API_TOKEN: "api-token-5a5a5a",
  CAPABILITY_TOKEN: "capability-token-7b7b7b",
  ORCH_SECRET: "orch-secret-9c9c9c",
};

/** A server whose log can be read. */
async function loggingServer() {
  const workspace = await mkdtemp(join(tmpdir(), "workspace-"));
  const flags = ["--port", "0", "--host", "127.0.0.1", "--log-level", "debug", "--device", "cpu"];
  const child = Bun.spawn([process.execPath, MAIN, ...flags, "--workspace", workspace], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env["PATH"] ?? "", ORCH_URL: "http://127.0.0.1:9", ...SECRETS },
  });
  const written = { log: "" };
  void (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of child.stderr) written.log += decoder.decode(bytes, { stream: true });
  })();
  const url = () => /listening url=(\S+)/.exec(written.log)?.[1] ?? "";
  await waitFor("an engine", () => written.log.includes("engine ready"), 30_000);
  return {
    written,
    url: url(),
    enginePid: () => Number([...written.log.matchAll(/engine ready.* pid=(\d+)/g)].at(-1)?.[1]),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.exited;
      await rm(workspace, { recursive: true, force: true });
    },
  };
}

test("a stream's id, its channels and the server's tokens are in no log line, whatever goes wrong", async () => {
  await using server = await loggingServer();
  const { url, written } = server;
  const call = (method: string, path: string, body?: unknown, headers = {}) =>
    fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${SECRETS.API_TOKEN}`, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const ids = ["secret-id-one", "secret-id-two", "secret-id-three", "secret-id-four"] as const;
  const [good, refused, broken, gone] = ids;
  const channels = (id: string) => ({
    gateway_request_id: id,
    control_url: `${url}/trickle/${id}-control`,
    events_url: `${url}/trickle/${id}-events`,
    data_url: `${url}/trickle/${id}-data`,
    publish_url: `${url}/trickle/${id}-out`,
  });
  const start = (id: string, more = {}) =>
    call("POST", "/stream/start", { ...channels(id), ...more }, { "x-stream-id": id });
  for (const suffix of ["control", "events", "data", "out"])
    await call("POST", `/trickle/${good}-${suffix}`);

  expect((await start(good, { params: { width: 128, height: 128 } })).status).toBe(200);
  const lines = (text: string) => written.log.split("\n").filter((line) => line.includes(text));
  await waitFor("it delivers", async () => {
    const streams = (await (await call("GET", "/streams")).json()) as {
      streams: { stats: { segments_out: number } }[];
    };
    return (streams.streams[0]?.stats.segments_out ?? 0) > 0;
  });
  const control = (text: string) =>
    fetch(`${url}/trickle/${good}-control/-1`, {
      method: "POST",
      headers: { authorization: `Bearer ${SECRETS.API_TOKEN}` },
      body: text,
    });
  await control("not JSON");
  await control('{"fps": -5}');
  // Refused for its host, for its fields, for a channel of another name, for one in use; and one without channels.
  await start(refused, { publish_url: `http://10.0.0.1/${refused}-out` });
  await start(refused, { params: { width: 1 } });
  await start(refused, { publish_url: `${url}/trickle/another-secret-id-out` });
  await start(refused, { publish_url: `${url}/trickle/${good}-out` });
  await start(broken, { subscribe_url: `${url}/trickle/${broken}` });
  await call("GET", `/stream/${gone}/status`);
  await call("POST", `/stream/${gone}/params`, { fps: "x" });
  await call("GET", `/trickle/${gone}/1`);
  await call("GET", `/none/${gone}`);
  const dead = server.enginePid();
  process.kill(dead, "SIGKILL");
  await waitFor("the next engine", () => server.enginePid() !== dead, 30_000);
  await waitFor(
    "it starts there again",
    () => lines("work starts").filter((line) => line.includes(logId(good))).length > 1,
    30_000,
  );
  await call("DELETE", `/trickle/${good}-control`);
  await waitFor("its end", () => lines("stream ended").length > 0, 20_000);

  for (const secret of [...ids, "another-secret-id", ...Object.values(SECRETS)])
    expect(lines(secret)).toEqual([]);
  const [startLine = ""] = lines("work starts");
  expect(startLine).toContain(`stream=${logId(good)}`);
  const unnamed = lines("byoc.stream").filter((line) => !/stream=[\da-f]{8}/.test(line));
  expect(unnamed).toEqual([]);
});
