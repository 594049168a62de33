/** What belongs to a session or opens a runner is shown to nobody else: logs, lists, metrics, errors, other sessions (live-runner.md 2.5). */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { ClientSession } from "../support/live-runner/client-session.ts";
import { StandInOrchestrator } from "../support/live-runner/stand-in.ts";
import { FAKE_SERVER, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

test("A7 no id, token, channel or key of a session is in a log, a list, a metric, an error or another session's answers", async () => {
  const log: string[] = [];
  await using orchestrator = await StandInOrchestrator.start({
    dialect: "go-livepeer",
    intervalMs: 50,
  });
  await using server = await startServer(
    FAKE_SERVER,
    ["--log-level", "debug", "--runner-idle-timeout", "60s", "--grace", "300ms"],
    {
      ORCH_URL: orchestrator.url,
      ORCH_SECRET: orchestrator.secret,
      RUNNER_APP: "live-video-to-video/comfystream",
      TRICKLE_SERVER: "off",
    },
    (line) => log.push(line),
  );
  const runner = await orchestrator.registered();
  await waitFor("a runner that is ready", () => runner.offer.status === "ready");
  const key = new URL(runner.offer.runner_url).pathname.split("/").at(-1) ?? "";

  const own = await orchestrator.reserve();
  const all = { events: true, data: true, control: true };
  const { body } = await own.post("/stream", { model: "painter", ...all });
  const secrets = [...secretsOf(orchestrator, own, body), key];
  expect(new Set(secrets).size).toBe(8);

  // A session goes through everything that writes a line, and through failures.
  const ended = await orchestrator.reserve();
  const failed = await ended.post("/stream", { model: "edges", ...all });
  secrets.push(...secretsOf(orchestrator, ended, failed.body));
  await orchestrator.closeChannel(ended.id, "events");
  await ended.post("/update", { prompt: "trouble" });
  await ended.post("/update", { prompt: "exit" }); // its engine dies
  await own.post("/pause", { reason: own.id });
  await waitFor("the engine is back", async () => (await ended.get("/status")).status === 200);
  await ended.post("/stop", { reason: ended.id });
  const refused = await orchestrator.reserve();
  orchestrator.calls.fail("channels", { status: 500 });
  secrets.push(refused.id);

  const other = await orchestrator.reserve();
  const seen: Record<string, string> = {};
  const answers = [
    await refused.post("/stream"),
    await refused.post("/stream", { fps: 0 }),
    await other.get("/session"),
    await other.get("/status"),
    await other.get("/stats"),
    await other.get("/health"),
    await other.get("/nothing"),
    await other.post("/stream", { model: "edges" }),
    await other.get("/stats"),
  ];
  for (const [n, answer] of answers.entries()) seen[`answer ${n}`] = JSON.stringify(answer.body);
  for (const path of ["/streams?all=1", "/metrics", "/health", "/models", "/hardware/info"])
    seen[path] = await (await fetch(`${server.url}${path}`)).text();
  const { streams } = JSON.parse(seen["/streams?all=1"] ?? "");
  expect(streams.length).toBeGreaterThanOrEqual(3);
  for (const { manifest_id } of streams)
    for (const path of ["status", "debug"])
      seen[`${path} ${manifest_id}`] = await (
        await fetch(`${server.url}/stream/${manifest_id}/${path}`)
      ).text();
  const wrong = await fetch(`${server.url}/runner/${key}x/stream`, { method: "POST" });
  seen["wrong key"] = await wrong.text();
  server.kill("SIGTERM");
  await server.exited;
  expect(log.join("\n")).toContain("session ended");
  seen["log"] = log.join("\n");
  for (const [where, text] of Object.entries(seen)) {
    const shown = secrets.filter((secret) => text.includes(secret));
    expect({ where, shown }).toEqual({ where, shown: [] });
  }
});

/** The id, the token, and the names of the channels. */
function secretsOf(
  orchestrator: StandInOrchestrator,
  { id }: ClientSession,
  urls: Readonly<Record<"in" | "out" | "events" | "data" | "control", string>>,
): string[] {
  const channels = [urls.in, urls.out, urls.events, urls.data, urls.control];
  const names = channels.map((url) => new URL(url).pathname.split("/").at(-1) ?? "");
  return [id, orchestrator.session(id)?.token ?? "", ...names];
}
