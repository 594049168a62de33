/** What answers of an orchestrator mean; the orchestrator is a bare server in this process. */
import { expect, test } from "bun:test";
import type { HeartbeatBody } from "../../../../../../src/server/protocols/live-runner/registration/heartbeat.ts";
import { RunnerClient } from "../../../../../../src/server/protocols/live-runner/registration/runner-client.ts";

const SECRET = "orch-secret";
const BEAT_SECRET = "beat-secret";
const KEY = "0123456789abcdefghijkl";
const body: HeartbeatBody = {
  runner_id: "comfystream-a",
  runner_url: `http://worker:5000/runner/${KEY}`,
  app: "live/video",
  mode: "persistent",
  proxy: false,
  version: "1",
  status: "ready",
  capacity: 4,
  price_info: { price: 0, currency: "usd", unit: "hour" },
  metadata: "",
  session_ids: [],
};

/** A client of an orchestrator that answers so, and what it was asked. */
function clientOf(answer: () => Response | Promise<Response>) {
  const asked: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      const { pathname } = new URL(request.url);
      asked.push(`${request.method} ${pathname} ${request.headers.get("authorization")}`);
      return answer();
    },
  });
  const url = `http://127.0.0.1:${server.port}`;
  const client = new RunnerClient({ url, secret: SECRET, tls: { rejectUnauthorized: false } });
  return { client, asked, url, [Symbol.asyncDispose]: () => server.stop(true) };
}

const soon = () => AbortSignal.timeout(2000);
const answerOf = (status: number, text: string) => () => new Response(text, { status });

test.each([
  [401, "invalid registration authorization\n", "unauthorized"],
  [401, '{"error":"invalid runner credential"}', "unauthorized"],
  [404, "runner not found\n", "unknown"],
  [404, "dynamic live runner registration is disabled\n", "off"],
  [404, "404 page not found\n", "off"],
  [405, "", "off"],
  [400, "static runner cannot heartbeat\n", "static_id"],
  [403, '{"error":"static runner cannot heartbeat"}', "static_id"],
  [400, "app must be trimmed\n", "refused"],
  [200, "<html>", "refused"],
  [500, "", "unreachable"],
  [503, '{"error":"runner capacity reached"}', "unreachable"],
  [429, "", "unreachable"],
])("a heartbeat that is answered by %d %j is %s", async (status, text, kind) => {
  await using orchestrator = clientOf(answerOf(status, text));
  expect(await orchestrator.client.heartbeat(body, null, soon())).toMatchObject({ kind });
  expect(orchestrator.asked).toEqual([`POST /runners/heartbeat ${SECRET}`]);
});

test.each([
  ["metadata must be at most 1024 bytes", "RUNNER_METADATA"],
  ["runner_id must be 1 to 128 of A-Z", "RUNNER_ID"],
  ["capacity must be >= 0", "RUNNER_CAPACITY"],
  ["app must be trimmed", "RUNNER_APP=live/video"],
  ["label is required and must be trimmed", "RUNNER_LABEL"],
  ["invalid runner_url", "RUNNER_URL"],
])("R6: the refusal %j names the setting %s", async (sentence, setting) => {
  await using orchestrator = clientOf(answerOf(400, `${sentence}\n`));
  const outcome = await orchestrator.client.heartbeat(body, null, soon());
  expect(outcome).toMatchObject({
    kind: "refused",
    message: expect.stringMatching(new RegExp(`^it answered 400: ${sentence} \\(.*${setting}`)),
  });
});

test("no message repeats a secret, or a URL's path", async () => {
  const text = `bad ${SECRET}, ${BEAT_SECRET} and ${body.runner_url}`;
  await using orchestrator = clientOf(answerOf(400, text));
  expect(await orchestrator.client.heartbeat(body, BEAT_SECRET, soon())).toMatchObject({
    message: expect.stringContaining("bad …, … and http://worker:5000"),
  });
  const left = await orchestrator.client.unregister("r", BEAT_SECRET, soon());
  expect(JSON.stringify(left)).not.toContain(BEAT_SECRET);
});

test("a redirect is not followed: the secret goes nowhere else", async () => {
  await using other = clientOf(() => new Response());
  await using orchestrator = clientOf(() =>
    Response.redirect(`${other.url}/runners/heartbeat`, 307),
  );
  expect(await orchestrator.client.heartbeat(body, null, soon())).toEqual({
    kind: "refused",
    message: "it redirects (307): set ORCH_URL to the address it redirects to",
  });
  expect(other.asked).toEqual([]);
});

test("an orchestrator that does not answer in time is unreachable", async () => {
  await using orchestrator = clientOf(() => new Promise<Response>(() => {}));
  const outcome = await orchestrator.client.heartbeat(body, null, AbortSignal.timeout(20));
  expect(outcome.kind).toBe("unreachable");
});

test.each([200, 204, 404])(
  "R7: a runner whose leave is answered by %d has left",
  async (status) => {
    await using orchestrator = clientOf(() => new Response(null, { status }));
    const outcome = await orchestrator.client.unregister("comfystream-a", BEAT_SECRET, soon());
    expect(outcome).toEqual({ kind: "done" });
    expect(orchestrator.asked).toEqual([`POST /runners/comfystream-a/unregister ${BEAT_SECRET}`]);
  },
);

test("a leave that is refused says so", async () => {
  await using orchestrator = clientOf(answerOf(401, "invalid authorization\n"));
  expect(await orchestrator.client.unregister("r", BEAT_SECRET, soon())).toEqual({
    kind: "failed",
    message: "it answered 401: invalid authorization",
  });
});
