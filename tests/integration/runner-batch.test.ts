/** Batch capabilities that are sold as single-shot runners: a call is a session (live-runner.md 8). The engine is a fake. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { type RunnerServer, runnerServer } from "../support/live-runner/runner-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

const ENV = { RUNNER_BATCH: "text-reversal,comfystream-image" };

/** The runner of a capability, as its orchestrator has it. */
async function batchRunner({ orchestrator }: RunnerServer, capability: string) {
  const find = () =>
    [...orchestrator.registry.runners.values()].find(
      ({ offer }) => offer.app === `live-video-to-video/${capability}`,
    );
  await waitFor("its registration", () => find()?.offer.status === "ready");
  const runner = find();
  if (runner === undefined) throw new Error(`${capability} is not registered`);
  return runner;
}

test.each(["go-livepeer", "livepeer-node"] as const)(
  "a call of a batch capability through %s is a job, below any path",
  async (dialect) => {
    await using running = await runnerServer({ dialect, env: ENV });
    const { id, offer } = await batchRunner(running, "text-reversal");
    expect(offer.mode).toMatch(/single.shot/);
    for (const path of ["run", "a/b"]) {
      const answer = await fetch(`${running.orchestrator.url}/apps/${id}/app/${path}`, {
        method: "POST",
        body: JSON.stringify({ text: "abc" }),
      });
      expect({ status: answer.status, body: await answer.json() }).toEqual({
        status: 200,
        body: { original: "abc", reversed: "cba" },
      });
    }
  },
);

test("errors of a batch call have the form of the live runner, and a key opens its own capability only", async () => {
  await using running = await runnerServer({ dialect: "go-livepeer", env: ENV });
  const { offer } = await batchRunner(running, "text-reversal");
  const call = async (url: string, init: RequestInit = { method: "POST" }) => {
    const answer = await fetch(url, init);
    const { headers, status } = answer;
    // biome-ignore lint/suspicious/noExplicitAny: tests access any member
    return { status, allow: headers.get("allow"), body: (await answer.json()) as any };
  };
  const bad = await call(offer.runner_url, { method: "POST", body: '{"text": 5}' });
  expect(bad).toMatchObject({
    status: 400,
    body: { error: { code: "invalid_param", field: "text" } },
  });
  const method = await call(offer.runner_url, { method: "GET" });
  expect(method).toMatchObject({
    status: 405,
    allow: "POST",
    body: { code: "method_not_allowed" },
  });
  const other = offer.runner_url.replace("text-reversal", "comfystream-image");
  expect(await call(other)).toMatchObject({ status: 404, body: { code: "not_found" } });
  expect(await call(`${running.runnerUrl}/c/text-reversal`)).toMatchObject({ status: 404 });
});

test("a batch job takes a place that sessions share, and is refused beyond them", async () => {
  await using running = await runnerServer({ dialect: "livepeer-node", maxStreams: 1, env: ENV });
  const { offer } = await batchRunner(running, "comfystream-image");
  const body = JSON.stringify({ prompts: "x", model: "dreamscape" });
  const job = await fetch(offer.runner_url, { method: "POST", body });
  expect(job.status).toBe(200);
  const place = running.server.admission.take();
  const refused = await fetch(offer.runner_url, { method: "POST", body });
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ error: { code: "runner_unavailable" } });
  place[Symbol.dispose]();
});

test("a batch job may be answered in events", async () => {
  await using running = await runnerServer({ dialect: "go-livepeer", env: ENV });
  const { offer } = await batchRunner(running, "comfystream-image");
  const body = JSON.stringify({ prompts: "x", model: "dreamscape", stream: true });
  const answer = await fetch(offer.runner_url, { method: "POST", body });
  expect(answer.headers.get("content-type")).toContain("text/event-stream");
  expect(await answer.text()).toEndWith("data: [DONE]\n\n");
});
