import { expect, setDefaultTimeout, test } from "bun:test";
import { FAKE_SERVER, MAIN, runProgram, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

const json = (body: unknown) => ({
  method: "POST",
  body: JSON.stringify(body),
  headers: { "content-type": "application/json" },
});
const start = (url: string, prompt = "x") =>
  json({ prompts: [{ prompt }], stream_url: `${url}/trickle/out` });

async function enginePid(url: string): Promise<number> {
  let pid = 0;
  await waitFor("an engine", async () => {
    const { engines } = (await (await fetch(`${url}/health`)).json()) as {
      engines: { state: string; pid: number }[];
    };
    pid = engines[0]?.state === "ready" ? engines[0].pid : 0;
    return pid !== 0;
  });
  return pid;
}

/** What a server answers to bytes that no HTTP client would send, once it has closed the connection. */
async function rawRequest(port: number, text: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let answer = "";
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_, bytes) => {
        answer += bytes.toString();
      },
      close: () => resolve(),
    },
  });
  socket.write(text);
  await promise;
  return answer;
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test("the server answers before its engines are ready, also jobs that need none", async () => {
  await using server = await startServer(MAIN);
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
  const answer = await fetch(`${server.url}/text-reversal`, json({ text: "abc" }));
  expect(await answer.json()).toEqual({ original: "abc", reversed: "cba" });
});

test("SIGTERM ends streams and engines and exits with 0", async () => {
  await using server = await startServer(FAKE_SERVER);
  const pid = await enginePid(server.url);
  expect((await fetch(`${server.url}/stream/start`, start(server.url))).status).toBe(200);
  server.kill("SIGTERM");
  expect(await server.exited).toBe(0);
  expect(isAlive(pid)).toBe(false);
});

test("a server whose engine ignores stops ends within its grace", async () => {
  await using server = await startServer(FAKE_SERVER, ["--grace", "1s"]);
  const pid = await enginePid(server.url);
  await fetch(`${server.url}/stream/start`, start(server.url, "ignore stops"));
  const asked = performance.now();
  server.kill("SIGTERM");
  expect(await server.exited).toBe(0);
  expect(performance.now() - asked).toBeLessThan(3000);
  expect(isAlive(pid)).toBe(false);
});

test("while the server stops it is healthy and not ready, and refuses new streams; a second signal ends it at once", async () => {
  await using server = await startServer(FAKE_SERVER, ["--grace", "60s"]);
  const pid = await enginePid(server.url);
  await fetch(`${server.url}/stream/start`, start(server.url, "ignore stops"));
  server.kill("SIGTERM");
  await waitFor("the refusal", async () => {
    const { status } = await fetch(`${server.url}/stream/start`, start(server.url));
    return status === 503;
  });
  const health = await fetch(`${server.url}/health`);
  const stopping = { healthy: true, draining: true, ready: false };
  expect([health.status, await health.json()]).toMatchObject([200, stopping]);
  const address = ["--host", "127.0.0.1", "--port", `${server.port}`];
  expect((await runProgram(MAIN, ["health", ...address])).code).toBe(0);
  const asked = await runProgram(MAIN, ["health", "ready", ...address]);
  expect([asked.code, asked.out]).toEqual([1, expect.stringContaining("not ready")]);
  server.kill("SIGTERM");
  expect(await server.exited).toBe(143);
  await waitFor("the engine to follow", () => !isAlive(pid));
});

test("a port in use is reported in one line, exit 1", async () => {
  await using server = await startServer(FAKE_SERVER);
  const flags = ["--host", "127.0.0.1", "--port", `${server.port}`, "--log-level", "error"];
  const { err, code } = await runProgram(MAIN, flags);
  expect(code).toBe(1);
  expect(err).toContain(`port ${server.port} on 127.0.0.1 is in use; choose another with --port`);
  expect(err.trim().split("\n")).toHaveLength(1);
});

test("an address of another machine is reported in one line that names the flag, and no engine starts", async () => {
  const { err, code } = await runProgram(MAIN, ["--host", "203.0.113.9"]);
  expect(code).toBe(1);
  expect(err).toBe(
    "--host 203.0.113.9 is not an address of this machine; 0.0.0.0 listens on all of them\n",
  );
});

test("an asked-for device that is missing ends the server with its message", async () => {
  const flags = ["--port", "0", "--host", "127.0.0.1", "--device", "cuda:3"];
  const { err, code } = await runProgram(FAKE_SERVER, flags);
  expect(code).toBe(1);
  expect(err).toContain("cuda:3 is not there");
});

test("engine, run by hand, says that the server starts it, and ends", async () => {
  expect(await runProgram(MAIN, ["engine"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("engine is started by the server"),
  });
});

test("unknown commands and flags are reported, exit 2", async () => {
  expect(await runProgram(MAIN, ["dance"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("unknown command dance; there are server, engine, doctor, health"),
  });
  expect(await runProgram(MAIN, ["server", "--colour", "red"], { PORT: "x" })).toMatchObject({
    code: 2,
    err: 'unknown flag --colour; see --help\nPORT must be an integer from 0 to 65535, got "x"\n',
  });
});

test("help and version go to stdout, exit 0", async () => {
  const help = await runProgram(MAIN, ["--help"]);
  expect(help).toMatchObject({ code: 0, out: expect.stringContaining("--max-streams") });
  const version = await runProgram(MAIN, ["--version"]);
  expect(version).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n/) });
});

test("health exits 0 for a running server and 1 without one", async () => {
  let port = 0;
  {
    await using server = await startServer(FAKE_SERVER);
    port = server.port;
    await enginePid(server.url);
    const flags = ["health", "--host", "127.0.0.1", "--port", `${port}`];
    expect(await runProgram(MAIN, flags)).toMatchObject({
      code: 0,
      out: expect.stringContaining("IDLE"),
    });
  }
  const gone = await runProgram(MAIN, ["health", "--host", "127.0.0.1", "--port", `${port}`]);
  expect(gone.code).toBe(1);
  expect(gone.out).toContain("it refused the connection; check --host and --port\n");
});

test("health exits 1 for a server that is not ours", async () => {
  using other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json({ a: 1 }) });
  const flags = ["health", "--host", "127.0.0.1", "--port", `${other.port}`];
  const { out, code } = await runProgram(MAIN, flags);
  expect(code).toBe(1);
  expect(out).toContain("is not a comfystream-byoc server");
});

test("a trickle segment is read while it is still written, through the same port", async () => {
  await using server = await startServer(FAKE_SERVER);
  const body = new TransformStream<Uint8Array, Uint8Array>();
  const writer = body.writable.getWriter();
  const channel = `${server.url}/trickle/live`;
  const posted = fetch(`${channel}/0`, {
    method: "POST",
    body: body.readable,
    headers: { "content-type": "video/mp4", connection: "close" },
  });
  await writer.write(new TextEncoder().encode("first"));
  let reading: Response | null = null;
  await waitFor("the channel", async () => {
    reading = await fetch(`${channel}/0`);
    return reading.status === 200;
  });
  const reader = (reading as Response | null)?.body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("first");
  await writer.write(new TextEncoder().encode("second"));
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("second");
  await writer.close();
  expect((await posted).status).toBe(200);
  expect((await reader?.read())?.done).toBe(true);
  expect((await fetch(channel, { method: "DELETE" })).status).toBe(200);
});

test("a request without a usable Host is answered like any other", async () => {
  await using server = await startServer(FAKE_SERVER);
  for (const host of [
    "HTTP/1.0",
    "HTTP/1.1\r\nHost:",
    "HTTP/1.1\r\nHost: a b",
    "HTTP/1.1\r\nHost: x:99999",
  ]) {
    const ask = (line: string) =>
      rawRequest(server.port, `${line} ${host}\r\nConnection: close\r\n\r\n`);
    expect(await ask("GET /health")).toMatch(/^HTTP\/1.1 200 [\s\S]*"active_streams":0/);
    expect(await ask("GET //version")).toMatch(/^HTTP\/1.1 200 [\s\S]*"success":true/);
    expect(await ask("GET /no/such/route")).toMatch(/^HTTP\/1.1 404 [\s\S]*"code":"not_found"/);
    expect(await ask("GET /%FF")).toMatch(/^HTTP\/1.1 400 [\s\S]*"code":"invalid_request"/);
    const body = '{"text":"abc"}';
    const length = `Content-Length: ${body.length}\r\nConnection: close`;
    for (const path of ["/text-reversal", "//c//text-reversal"]) {
      const job = `POST ${path} ${host}\r\n${length}\r\n\r\n${body}`;
      expect(await rawRequest(server.port, job)).toContain('"reversed":"cba"');
    }
  }
});

test("the trickle server can be off", async () => {
  await using server = await startServer(FAKE_SERVER, ["--trickle-server", "off"]);
  const answer = await fetch(`${server.url}/trickle/x/0`, { method: "POST", body: "x" });
  expect(answer.status).toBe(404);
});

test("a Livepeer header of 200 KB is taken", async () => {
  await using server = await startServer(FAKE_SERVER);
  const job = { request: "x".repeat(150_000), capability: "text-reversal" };
  const livepeer = Buffer.from(JSON.stringify(job)).toString("base64");
  const answer = await fetch(`${server.url}/process/request/text-reversal`, {
    ...json({ text: "ab" }),
    headers: { livepeer },
  });
  expect(await answer.json()).toEqual({ original: "ab", reversed: "ba" });
});

test("a chunked body beyond the limit is a 413 in JSON", async () => {
  await using server = await startServer(FAKE_SERVER);
  const chunk = new Uint8Array(1024 * 1024).fill(32);
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (sent++ < 14) controller.enqueue(chunk);
      else controller.close();
    },
  });
  const answer = await fetch(`${server.url}/stream/start`, { method: "POST", body });
  expect(answer.status).toBe(413);
  expect(await answer.json()).toMatchObject({ success: false, code: "body_too_large" });
});
