/** Looks for every secret that the program is given, in all that it prints, logs, answers, publishes and writes. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { enginePid } from "../support/live-stream.ts";
import { makeChannels, orchestratorTrickle, readAll } from "../support/orchestrator-channels.ts";
import { MAIN, runProgram, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(60_000);

/** Nobody listens there. */
const DEAD = "127.0.0.1:9";
const secret = (name: string) => `${name}-9f3c7d51e2b84a06`;
/** What settings and the environment hold. */
const SETTINGS = {
  API_TOKEN: secret("api-token"),
  CAPABILITY_TOKEN: secret("capability-token"),
  ORCH_SECRET: secret("orch-secret"),
  RUNNER_KEY: secret("runner-key"),
  HF_TOKEN: `hf_${secret("hub-token")}`,
  GITHUB_TOKEN: secret("github-token"),
};
const COMFYUI_PASSWORD = secret("comfyui-password");
const ENV = {
  ...SETTINGS,
  COMFYUI_URL: `http://artist:${COMFYUI_PASSWORD}@${DEAD}`,
  ORCH_URL: `http://${DEAD}`,
  RUNNER_APP: "live-video-to-video/comfystream",
};
const GIVEN = [...Object.values(SETTINGS), COMFYUI_PASSWORD];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "secrets-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Fails with the places at which one of the secrets stands, but not with the text around it. */
function expectNone(texts: Readonly<Record<string, string>>, secrets: readonly string[]): void {
  const found = Object.entries(texts).flatMap(([where, text]) =>
    secrets.filter((one) => text.includes(one)).map((one) => `${where}: ${one}`),
  );
  expect(found).toEqual([]);
}

/** Runs a command that must print something. */
async function output(args: readonly string[], env: Readonly<Record<string, string>>) {
  const { out, err } = await runProgram(MAIN, args, { HOME: folder, WORKSPACE: folder, ...env });
  expect(out + err).not.toBe("");
  return out + err;
}

test("commands print no secret, also of settings that they refuse", async () => {
  const password = secret("url-password");
  const wrong = {
    API_TOKEN: `${secret("api-token")} with spaces\n`,
    CAPABILITY_TOKEN: `${secret("capability-token")}\t`,
    ORCH_SECRET: `${secret("orch-secret")}\r\n`,
    RUNNER_KEY: `${secret("runner-key")}!`,
    ORCH_URL: `https://me:${password}@host,ftp://${DEAD}`,
    CAPABILITY_URL: `http://me:${password}@host`,
    COMFYUI_URL: `http://artist:${password}@host/?key=${password}`,
    RUNNER_URL: `http://me:${password}@host`,
    PORT: "x",
  };
  const hub = { ...ENV, HF_ENDPOINT: `http://${DEAD}` };
  const runs: Readonly<
    Record<string, [args: readonly string[], env: Readonly<Record<string, string>>]>
  > = {
    help: [["--help"], ENV],
    version: [["--version"], ENV],
    "refused settings": [["server"], wrong],
    "a misspelt flag": [["server", "--api-tokne", secret("api-token")], ENV],
    "a misspelt flag with =": [[`--api-tokne=${secret("api-token")}`], ENV],
    doctor: [["doctor", "--device", "cuda:7"], ENV],
    register: [["register"], ENV],
    "models list": [["models", "list"], ENV],
    "models add by hub": [["models", "add", "hf:owner/net"], hub],
    "models add by URL": [["models", "add", `https://me:${password}@${DEAD}/net.onnx`], ENV],
    "models add by signed URL": [
      ["models", "add", `https://${DEAD}/${password}/net.onnx?signature=${password}`],
      ENV,
    ],
  };
  const printed = Object.entries(runs).map(
    async ([name, [args, env]]) => [name, await output(args, env)] as const,
  );
  expectNone(Object.fromEntries(await Promise.all(printed)), [...GIVEN, password]);
});

test("a server logs, answers, publishes and writes no secret, whatever is sent and whatever fails", async () => {
  await using channels = orchestratorTrickle();
  const log: string[] = [];
  const [usage, sessions] = [join(folder, "usage.jsonl"), join(folder, "sessions.jsonl")];
  await using server = await startServer(
    MAIN,
    [
      "--log-level",
      "debug",
      "--device",
      "cpu",
      "--workspace",
      folder,
      "--allow-hosts",
      "127.0.0.1",
    ],
    { ...ENV, USAGE_LOG: usage, RUNNER_USAGE_LOG: sessions },
    (line) => log.push(line),
  );
  await enginePid(server.url);
  const sent = {
    password: secret("url-password"),
    query: secret("url-query"),
    bearer: secret("wrong-bearer"),
    body: secret("https-body"),
    payment: secret("payment"),
    good: secret("stream-good"),
    bad: secret("stream-bad"),
    gone: secret("stream-gone"),
  };
  const texts: Record<string, string> = {};
  const stop = new AbortController();
  const authorized = { authorization: `Bearer ${SETTINGS.API_TOKEN}` };
  const ask = async (method: string, path: string, body?: unknown, headers = {}) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const init = {
      method,
      headers: { ...authorized, ...headers },
      ...(body === undefined ? {} : { body: text }),
    };
    const answer = await fetch(`${server.url}${path}`, init);
    const name = `${Object.keys(texts).length}: ${method} ${path.replace(/\/stream\/[^/]+\//, "/stream/{id}/")}`;
    // A start and its stream are answered with their id.
    texts[name] = `${JSON.stringify([...answer.headers])}\n${await answer.text()}`.replaceAll(
      sent.good,
      "{id}",
    );
    return answer.status;
  };

  // An orchestrator's stream that runs, is steered well and badly, and loses its engine.
  const urls = await makeChannels(channels, sent.good, ["publish", "control", "events", "data"]);
  const { seen } = readAll(channels.url(`${sent.good}-events`), stop.signal);
  const params = { model: "test-card", width: 64, height: 64, fps: 5 };
  const start = { gateway_request_id: sent.good, params, ...urls };
  const payment = { "livepeer-payment": sent.payment };
  expect(await ask("POST", "/stream/start", start, payment)).toBe(200);
  const control = (text: string) =>
    fetch(channels.url(`${sent.good}-control/-1`), { method: "POST", body: text });
  const inQuery = `http://${DEAD}/trickle/x?token=${sent.query}`;
  await control(`{"not": "JSON, ${sent.body}`);
  await control(JSON.stringify({ fps: inQuery }));
  await control(JSON.stringify({ fallback: inQuery }));
  await waitFor("events of what was wrong", () => seen.length > 3);
  process.kill(await enginePid(server.url), "SIGKILL");
  await waitFor(
    "the next engine",
    () => log.filter((line) => /engine ready/.test(line)).length > 1,
    30_000,
  );

  // Starts that are refused, by their hosts, URLs and fields; and those whose channels are dead.
  const seed = { prompts: "a lake", width: 64, height: 64 };
  for (const stream_url of [
    `http://me:${sent.password}@127.0.0.1:9/trickle/${sent.bad}`,
    `http://10.0.0.1/trickle/${sent.bad}?token=${sent.query}`,
    `http://${DEAD}/trickle/${sent.bad}?token=${sent.query}`,
    `ftp://host/${sent.bad}`,
    `http://host:${sent.query}/${sent.bad}`,
    sent.bad,
  ]) {
    expect(await ask("POST", "/stream/start", { ...seed, stream_url })).toBe(400);
    const input = { ...seed, stream_url: `${server.url}/trickle/out`, input_url: stream_url };
    const status = await ask("POST", "/stream/start", input);
    if (status === 200) {
      const listed = (await (
        await fetch(`${server.url}/streams`, { headers: authorized })
      ).json()) as { streams: { manifest_id: string; input_url: string | null }[] };
      const started = listed.streams.find(({ input_url }) => input_url === stream_url);
      await fetch(`${server.url}/stream/${started?.manifest_id}`, {
        method: "DELETE",
        headers: authorized,
      });
    }
  }
  const id = { "x-stream-id": sent.bad };
  for (const body of [
    { publish_url: `http://10.0.0.1/trickle/${sent.bad}-out` },
    { publish_url: channels.url(`${sent.bad}-out`), params: { width: inQuery } },
    { publish_url: channels.url("another-out") },
    { events_url: inQuery },
  ])
    expect(await ask("POST", "/stream/start", body, id)).toBe(400);

  // Bodies and headers that are not valid.
  for (const path of [
    "/stream/start",
    "/c/text-reversal",
    "/c/comfystream-image",
    "/stream/params",
  ])
    for (const body of [`{"text": ${sent.body}`, `["${sent.body}"]`, `{"${inQuery}": 1}`])
      await ask("POST", path, body, id);
  for (const livepeer of [sent.payment, btoa(sent.payment), btoa(`{"request": "${sent.payment}`)])
    await ask("POST", "/process/request/text-reversal", { text: "a" }, { livepeer });
  await ask("POST", "/c/comfystream-image", { image: inQuery, model: "identity" });
  for (const path of [
    `/stream/${sent.gone}/status`,
    `/stream/${sent.gone}/debug`,
    `/none/${sent.gone}`,
  ])
    await ask("GET", path);
  await ask("GET", `/health?token=${sent.query}`);
  for (const path of ["/streams", "/stream/start", `/runner/${sent.bearer}/stream`])
    await ask("POST", path, {}, { authorization: `Bearer ${sent.bearer}` });
  await ask("GET", `/runner/${SETTINGS.RUNNER_KEY}/nothing`);
  await ask("POST", `/runner/${SETTINGS.RUNNER_KEY}/stream`, `{"x": ${sent.body}`);

  // What operators and monitoring read.
  for (const path of [
    "/health",
    "/metrics",
    "/streams?all=1",
    "/models",
    "/registrations",
    "/version",
  ])
    expect(await ask("GET", path)).toBe(200);
  for (const part of ["status", "debug"])
    expect(await ask("GET", `/stream/${sent.good}/${part}`)).toBe(200);
  const engine = await enginePid(server.url);
  for (const file of ["cmdline", "environ"])
    texts[`/proc/{engine}/${file}`] = readFileSync(`/proc/${engine}/${file}`, "utf8");
  texts["/proc/{server}/cmdline"] = readFileSync(`/proc/${server.pid}/cmdline`, "utf8");
  expect(await ask("DELETE", `/stream/${sent.good}`)).toBe(200);
  await waitFor(
    "the usage of the stream",
    () => existsSync(usage) && readFileSync(usage).length > 0,
  );
  server.kill("SIGTERM");
  await server.exited;
  stop.abort();
  texts["events"] = seen.map(({ text }) => text.replaceAll(sent.good, "{id}")).join("\n");
  texts["log"] = log.join("\n");
  texts["USAGE_LOG"] = readFileSync(usage, "utf8");
  texts["RUNNER_USAGE_LOG"] = existsSync(sessions) ? readFileSync(sessions, "utf8") : "";
  // A caller's answer may quote what it has sent: a bad value, or a path that is none.
  const { body, gone, ...others } = sent;
  expectNone(texts, [...GIVEN, ...Object.values(others)]);
  const unquoted = Object.entries(texts).filter(([where]) => !/^\d+: /.test(where));
  expectNone(Object.fromEntries(unquoted), [body, gone]);
});
