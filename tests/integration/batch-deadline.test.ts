/** How long a batch job may take: the caller's time or the worker's own, whichever is shorter (protocol.md 3, 9 row 5). */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { expectFailure } from "../support/expect-failure.ts";
import { testServer } from "../support/test-server.ts";

setDefaultTimeout(20_000);

const open: ReturnType<typeof testServer>[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

test.each([
  ["the caller's", 10_000, 1, 1000],
  ["the worker's own", 300, 30, 300],
])("%s ends the job where it is the shorter", async (_whose, batchTimeoutMs, seconds, expected) => {
  const server = testServer({ batchTimeoutMs });
  open.push(server);
  await server.scheduler.ready(5000);
  const job = { request: "{}", capability: "comfystream-image", timeout_seconds: seconds };
  const headers = { livepeer: btoa(JSON.stringify(job)) };
  const asked = performance.now();
  const path = "/process/request/comfystream-image";
  const answer = await server.ask("POST", path, { prompt: "hold" }, headers);
  const took = performance.now() - asked;
  expect(answer).toMatchObject({ status: 504, body: { success: false, code: "timeout" } });
  expect(took).toBeGreaterThan(expected * 0.9);
  expect(took).toBeLessThan(expected + 3000);
  expect(server.admission.taken).toBe(0);
});

test("a stream that is started as a job has the same deadline as other jobs", async () => {
  const server = testServer({ batchTimeoutMs: 50 });
  open.push(server);
  await server.scheduler.ready(5000);
  const body = { prompt: "x", stream_url: "http://127.0.0.1:9/trickle/silent" };
  const headers = { livepeer: btoa('{"request":"{}","capability":"comfystream-video"}') };
  const answer = await server.ask("POST", "/process/request/comfystream-video", body, headers);
  expectFailure(answer, 504, "timeout");
});
