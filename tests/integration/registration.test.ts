/** The real server process, with fake engines, against the stand-in orchestrator (protocol.md 2, 12 "Registration"). */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../src/config.ts";
import { offersOf } from "../../src/server/protocols/byoc/registration/offer.ts";
import { OrchestratorClient } from "../../src/server/protocols/byoc/registration/orchestrator-client.ts";
import { Registration } from "../../src/server/protocols/byoc/registration/registration.ts";
import { Orchestrator } from "../support/orchestrator.ts";
import { ownCertificate } from "../support/own-certificate.ts";
import { FAKE_SERVER, MAIN, runProgram } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(30_000);

const openssl = Bun.which("openssl");

const SECRET = "orch-secret-7f3a";
const TOKEN = "worker-token-91cc";
const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function orchestrator(
  options: { port?: number; secret?: string; tls?: { key: string; cert: string } } = {},
) {
  const started = await Orchestrator.start({ secret: SECRET, ...options });
  open.push(started);
  return started;
}

/** A server with these variables; `log` is all that it has written. */
function server(env: Record<string, string>, program = FAKE_SERVER) {
  const flags = ["--port", "0", "--host", "127.0.0.1", "--log-level", "debug", "--device", "cpu"];
  const child = Bun.spawn([process.execPath, program, ...flags], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env["PATH"] ?? "", ORCH_SECRET: SECRET, ...env },
  });
  const written = { log: "" };
  const read = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of child.stderr) written.log += decoder.decode(bytes, { stream: true });
  })();
  const end = async (signal: "SIGTERM" | "SIGKILL") => {
    child.kill(signal);
    const code = await child.exited;
    await read;
    return code;
  };
  open.push({ [Symbol.asyncDispose]: async () => void (await end("SIGKILL")) });
  return {
    pid: child.pid,
    end,
    get log() {
      return written.log;
    },
    url: async () => {
      const line = /listening url=(\S+)/;
      await waitFor("listening", () => line.test(written.log));
      return line.exec(written.log)?.[1] ?? "";
    },
  };
}

test("two names are registered with two orchestrators, and unregistered on SIGTERM", async () => {
  const both = [await orchestrator(), await orchestrator()];
  const worker = server({
    ORCH_URL: both.map(({ url }) => url).join(","),
    CAPABILITY_NAME: "text-reversal,comfystream-image",
    CAPABILITY_URL: "http://127.0.0.1:5999/",
    CAPABILITY_PRICE_PER_UNIT: "7",
    CAPABILITY_TOKEN: TOKEN,
    MAX_STREAMS: "3",
  });
  await waitFor("all registered", () => both.every(({ capabilities }) => capabilities.size === 2));
  for (const { capabilities } of both)
    expect(capabilities.get("text-reversal")).toEqual({
      name: "text-reversal",
      url: "http://127.0.0.1:5999/c/text-reversal",
      capacity: 3,
      price_per_unit: 7,
      price_scaling: 1,
      currency: "wei",
      description: "reverses a text",
      token: TOKEN,
      load: 0,
    });
  expect(await worker.end("SIGTERM")).toBe(0);
  for (const { capabilities, calls } of both) {
    expect(capabilities.size).toBe(0);
    const left = calls.filter(({ path }) => path === "/capability/unregister");
    expect(left.map(({ body }) => body).sort()).toEqual(["comfystream-image", "text-reversal"]);
  }
  // Work comes at once: an engine must be there for it.
  expect(worker.log).toMatch(/engine ready.*registered capability/s);
  expect(worker.log).not.toMatch(/registered capability.*engine ready/s);
});

test("a single name has the bare URL, and the orchestrator's jobs bear the token of this boot", async () => {
  const orch = await orchestrator();
  const worker = server({ ORCH_URL: orch.url, CAPABILITY_NAME: "text-reversal", API_TOKEN: "A" });
  await waitFor("registered", () => orch.capabilities.size === 1);
  const capability = orch.capabilities.get("text-reversal");
  expect(capability?.url).toBe(await worker.url());
  expect(capability?.token).toMatch(/^[\w-]{32}$/);
  for (const rest of ["text-reversal", "reverse-text", ""]) {
    const answer = await orch.job("text-reversal", rest, '{"text":"abc"}');
    expect(await answer.json()).toEqual({ original: "abc", reversed: "cba" });
    expect(answer.status).toBe(200);
  }
  expect(capability?.load).toBe(0);
});

test("a server registers with an orchestrator that comes up later", async () => {
  const first = await Orchestrator.start({ secret: SECRET });
  const { port } = first;
  await first[Symbol.asyncDispose]();
  const worker = server({ ORCH_URL: `http://127.0.0.1:${port}` });
  await waitFor("a failed try", () => worker.log.includes("orchestrator not reached"));
  const second = await orchestrator({ port });
  await waitFor("registered", () => second.capabilities.has("comfystream-video"));
});

test("the next renewal registers again with an orchestrator that restarted or dropped the capability", async () => {
  const first = await Orchestrator.start({ secret: SECRET });
  const waits: (() => void)[] = [];
  const timing = {
    random: () => 1,
    wait: (_ms: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        waits.push(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      }),
  };
  const offer = offersOf(readConfig([], {}), { ownUrl: "http://127.0.0.1:1", places: 1 });
  const registration = new Registration({
    orchestrators: [
      new OrchestratorClient(first.url, { secret: SECRET, tls: { rejectUnauthorized: false } }),
    ],
    offers: offer,
    capacity: {
      total: 1,
      used: 0,
      changed: new Promise(() => {}),
      emptied: new Promise(() => {}),
    },
    timing,
  });
  open.push({ [Symbol.asyncDispose]: () => registration.leave() });
  await waitFor("registered", () => first.capabilities.size === 1 && waits.length === 1);
  first.capabilities.clear();
  waits.pop()?.();
  await waitFor("registered again", () => first.capabilities.size === 1 && waits.length === 1);
  await first[Symbol.asyncDispose]();
  const second = await orchestrator({ port: first.port });
  waits.pop()?.();
  await waitFor("registered anew", () => second.capabilities.size === 1);
});

test("a wrong secret is explained once and does not affect other orchestrators", async () => {
  const [wrong, right] = [await orchestrator({ secret: "another" }), await orchestrator()];
  const worker = server({ ORCH_URL: `${wrong.url},${right.url}` });
  await waitFor("both asked", () => wrong.calls.length > 0 && right.capabilities.size === 1);
  await waitFor("said", () => worker.log.includes("ORCH_SECRET"));
  expect(wrong.calls).toMatchObject([{ status: 400 }]);
  expect(worker.log.match(/not registered/g)).toHaveLength(1);
});

test("an orchestrator that never answers does not delay shutdown", async () => {
  const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
  open.push({ [Symbol.asyncDispose]: async () => silent.stop(true) });
  const worker = server({ ORCH_URL: `http://127.0.0.1:${silent.port}` });
  await worker.url();
  const begun = performance.now();
  expect(await worker.end("SIGTERM")).toBe(0);
  expect(performance.now() - begun).toBeLessThan(7000); // it is asked for 10 s at most
});

/** With openssl, which these tests need. */
function madeCertificate(): { key: string; cert: string } {
  const made = ownCertificate();
  if (made === null) throw new Error("openssl is not installed");
  return made;
}

describe.skipIf(openssl === null)("certificates (skip without openssl)", () => {
  test("a self-signed certificate is accepted by default", async () => {
    const orch = await orchestrator({ tls: madeCertificate() });
    server({ ORCH_URL: orch.url });
    await waitFor("registered", () => orch.capabilities.size === 1);
    expect(orch.url).toStartWith("https:");
  });

  test("ORCH_TLS_VERIFY refuses a self-signed certificate, and the log says why", async () => {
    const orch = await orchestrator({ tls: madeCertificate() });
    const worker = server({ ORCH_URL: orch.url, ORCH_TLS_VERIFY: "on" });
    await waitFor("the reason", () => worker.log.includes("its certificate is self-signed"));
    expect(orch.calls).toEqual([]);
  });

  test("ORCH_CA accepts its own authority's certificates and no other", async () => {
    const folder = mkdtempSync(join(tmpdir(), "registration-"));
    open.push({ [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true }) });
    const [own, other] = [madeCertificate(), madeCertificate()];
    const ca = join(folder, "ca.pem");
    await Bun.write(ca, own.cert);
    const right = await orchestrator({ tls: own });
    const wrong = await orchestrator({ tls: other });
    const worker = server({ ORCH_URL: `${right.url},${wrong.url}`, ORCH_CA: ca });
    await waitFor("registered", () => right.capabilities.size === 1);
    await waitFor("refused", () => worker.log.includes("orchestrator not reached"));
    expect(wrong.calls).toEqual([]);
  });
});

test("a currency without a price is distinguished from an orchestrator that is down", async () => {
  const orch = await orchestrator();
  const worker = server({ ORCH_URL: orch.url, CAPABILITY_CURRENCY: "doubloon" });
  await waitFor("said", () => worker.log.includes("CAPABILITY_CURRENCY=doubloon"));
  expect(orch.calls).toMatchObject([{ status: "cut" }]);
});

test("secrets are in no log line and no engine's environment; incomplete settings are reported", async () => {
  const orch = await orchestrator();
  const env = { ORCH_URL: orch.url, API_TOKEN: "api-token-55", CAPABILITY_TOKEN: TOKEN };
  const worker = server(env, MAIN);
  await waitFor("registered", () => orch.capabilities.size === 1);
  const engines = () =>
    readdirSync("/proc").filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[1] ===
          `${worker.pid}`
        );
      } catch {
        return false; // gone meanwhile
      }
    });
  await waitFor("an engine", () => worker.log.includes("engine ready"), 20_000);
  for (const pid of engines()) {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
    expect(environment).toContain("ORT_DISABLE_TELEMETRY");
    for (const hidden of [SECRET, TOKEN, "api-token-55"]) expect(environment).not.toContain(hidden);
  }
  await worker.end("SIGTERM");
  for (const hidden of [SECRET, TOKEN, "api-token-55"]) expect(worker.log).not.toContain(hidden);
  const careless = server({ ORCH_URL: orch.url, ORCH_SECRET: "" });
  await waitFor("said", () => careless.log.includes("ORCH_SECRET is not"));
  const aimless = server({});
  await waitFor("said", () => aimless.log.includes("ORCH_URL is not"));
});

test("the commands register and unregister report in plain words and exit codes", async () => {
  const orch = await orchestrator();
  const env = {
    ORCH_URL: orch.url,
    ORCH_SECRET: SECRET,
    CAPABILITY_NAME: "reverse-text,comfystream-image",
    DEVICE: "cpu",
  };
  const registered = await runProgram(MAIN, ["register"], env);
  expect(registered.out.split("\n")).toEqual([
    `reverse-text registered as http://localhost:5000/c/reverse-text, capacity 4, at ${orch.url}`,
    `comfystream-image registered as http://localhost:5000/c/comfystream-image, capacity 4, at ${orch.url}`,
    "",
  ]);
  expect(registered.code).toBe(0);
  expect(orch.capabilities.size).toBe(2);
  const back = await runProgram(MAIN, ["unregister"], env);
  expect(back).toMatchObject({
    code: 0,
    out: expect.stringContaining("reverse-text unregistered at"),
  });
  expect(orch.capabilities.size).toBe(0);
  const refused = await runProgram(MAIN, ["register"], { ...env, ORCH_SECRET: "not-it" });
  expect(refused).toMatchObject({ code: 1, out: expect.stringContaining("ORCH_SECRET") });
  expect(refused.out + refused.err).not.toContain("not-it");
  const misspelt = { ...env, CAPABILITY_NAME: "text-reversal,text-reversl" };
  for (const command of ["register", "server"]) {
    const told = await runProgram(MAIN, [command], misspelt);
    expect(told.code).toBe(2);
    expect(told.err).toContain("text-reversl (did you mean text-reversal?)");
  }
  expect(orch.capabilities.size).toBe(0);
  const unset = await runProgram(MAIN, ["register"], { ORCH_SECRET: SECRET });
  expect(unset).toMatchObject({ code: 2, err: "ORCH_URL is not set\n" });
});
