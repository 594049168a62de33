/** What the embedded trickle server is told of its peers, over real HTTP, and when a server warns that it is open. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { networkInterfaces } from "node:os";
import { listen } from "../../src/server/http/listen.ts";
import type { TricklePeer } from "../../src/trickle/server/peer-quotas.ts";
import { rawRequest } from "../support/raw-request.ts";
import { FAKE_SERVER } from "../support/server-process.ts";
import { testServer } from "../support/test-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

const peers: TricklePeer[] = [];
const trickle = {
  handle: async (_request: Request, _path: string, peer: TricklePeer) => {
    peers.push(peer);
    return new Response("");
  },
};
const { app, close } = testServer({ trickle, tokens: { engine: "E" } });
const server = listen(app, { host: "0.0.0.0", port: 0 });
afterAll(async () => {
  await close();
  await server.stop(true);
});

async function peerOf(headers: Record<string, string>, host = "127.0.0.1", path = "/trickle/x/0") {
  const init = { method: "POST", path, headers: { Host: "localhost", ...headers }, body: "x" };
  expect((await rawRequest(host, server.port ?? 0, init)).status).toBe(200);
  const { address, kind } = peers.pop() ?? {};
  return { address, kind };
}

test("own engines, programs of this machine and everybody else are told apart", async () => {
  expect(await peerOf({})).toEqual({ address: "127.0.0.1", kind: "trusted" });
  expect(await peerOf({ Authorization: "Bearer E" })).toMatchObject({ kind: "own" });
  expect(await peerOf({ Authorization: "Bearer e" })).toMatchObject({ kind: "trusted" });
  const forwarded = { "X-Forwarded-For": "198.51.100.1, 203.0.113.9" };
  expect(await peerOf(forwarded)).toEqual({ address: "203.0.113.9", kind: "remote" });
  expect(await peerOf({ Via: "1.1 proxy" })).toEqual({ address: "127.0.0.1", kind: "remote" });
  const spelled = await peerOf({}, "127.0.0.1", "//trickle//x/0");
  expect(spelled).toEqual({ address: "127.0.0.1", kind: "trusted" });
});

const outside = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === "IPv4" && !one.internal)?.address;

test.skipIf(outside === undefined)(
  "a peer that is not on loopback is not believed about whom it speaks for (skips without an interface)",
  async () => {
    const headers = { "X-Forwarded-For": "203.0.113.9" };
    expect(await peerOf(headers, outside)).toEqual({ address: outside, kind: "remote" });
  },
);

test.each([
  [["--host", "0.0.0.0"], {}, 1],
  [["--host", "127.0.0.1"], {}, 0],
  [["--host", "0.0.0.0"], { API_TOKEN: "a" }, 0],
  [["--host", "0.0.0.0"], { ORCH_URL: "http://127.0.0.1:9", ORCH_SECRET: "s" }, 0],
])(
  "a server with %j and %j warns %d times that everybody may use it",
  async (flags, env, times) => {
    const child = Bun.spawn([process.execPath, FAKE_SERVER, "--port", "0", ...flags], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { PATH: process.env["PATH"] ?? "", ...env },
    });
    let log = "";
    const reading = (async () => {
      const decoder = new TextDecoder();
      for await (const bytes of child.stderr) log += decoder.decode(bytes, { stream: true });
    })();
    try {
      await waitFor("an engine", () => log.includes("engine ready"));
    } finally {
      child.kill("SIGKILL");
      await Promise.all([child.exited, reading]);
    }
    expect(log.match(/every machine that reaches this server may use it/g) ?? []).toHaveLength(
      times,
    );
  },
);
