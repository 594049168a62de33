/** Pinned addresses and certificates, as a server on the other end sees them. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server, type TLSSocket } from "node:tls";
import {
  openRequests,
  type TrickleEndpoint,
  trickleRequest,
} from "../../src/trickle/client/request.ts";

const never = new AbortController().signal;
const ask = async (endpoint: TrickleEndpoint): Promise<string> =>
  (await trickleRequest(endpoint, { method: "GET", path: "/next", signal: never })).text();

test("the connection goes to the address; Host and path are the URL's", async () => {
  await using http = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ headers, url }) =>
      new Response(
        `${headers.get("host")} ${new URL(url).pathname} ${headers.get("authorization")}`,
      ),
  });
  const url = `http://pinned.invalid:${http.port}/trickle/a`;
  const answer = await ask({ url, address: "127.0.0.1", authorization: "Bearer t" });
  expect(answer).toBe(`pinned.invalid:${http.port} /trickle/a/next Bearer t`);
  expect(openRequests()).toBe(0);
});

test("a redirect is not followed", async () => {
  let asked = 0;
  await using http = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => {
      asked++;
      return Response.redirect("/elsewhere", 302);
    },
  });
  const response = await trickleRequest(
    { url: `http://127.0.0.1:${http.port}/a` },
    { method: "GET", path: "/next", signal: never },
  );
  expect(response.status).toBe(302);
  response.discard();
  expect(asked).toBe(1);
});

test("a proxy in the environment is not used", async () => {
  await using http = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response("direct"),
  });
  await using proxy = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response("proxy"),
  });
  const script = `
    import { trickleRequest } from ${JSON.stringify(join(import.meta.dir, "../../src/trickle/client/request.ts"))};
    const answer = await trickleRequest({ url: "http://127.0.0.1:${http.port}/a" },
      { method: "GET", path: "", signal: new AbortController().signal });
    console.log(await answer.text());`;
  const child = Bun.spawn([process.execPath, "-e", script], {
    env: {
      ...process.env,
      HTTP_PROXY: proxy.url.href,
      http_proxy: proxy.url.href,
      NO_PROXY: "",
      no_proxy: "",
    },
    stdout: "pipe",
  });
  expect((await new Response(child.stdout).text()).trim()).toBe("direct");
});

const openssl = Bun.which("openssl");

(openssl ? test : test.skip)(
  `over TLS the name is sent as SNI, certificates are checked only when asked${openssl ? "" : " (needs openssl)"}`,
  async () => {
    const names: (string | false | null)[] = [];
    const server = tlsServer((socket) => names.push(socket.servername));
    try {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      const pinned = (name: string): TrickleEndpoint => ({
        url: `https://${name}:${port}/a`,
        address: "127.0.0.1",
      });
      expect(await ask(pinned("one.invalid"))).toBe(`host: one.invalid:${port}`);
      expect(await ask(pinned("two.invalid"))).toBe(`host: two.invalid:${port}`);
      expect(names).toEqual(["one.invalid", "two.invalid"]);
      const checked = ask({ ...pinned("one.invalid"), verifyTls: true });
      await expect(checked).rejects.toMatchObject({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
      const trusted = { verifyTls: true, ca: readFileSync(join(folder, "cert.pem"), "utf8") };
      expect(await ask({ ...pinned("one.invalid"), ...trusted })).toBe(`host: one.invalid:${port}`);
      await expect(ask({ ...pinned("three.invalid"), ...trusted })).rejects.toMatchObject({
        code: "ERR_TLS_CERT_ALTNAME_INVALID",
      });
      expect(openRequests()).toBe(0);
    } finally {
      server.close();
    }
  },
);

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "trickle-tls-"));
  if (!openssl) return;
  const names = "subjectAltName=DNS:one.invalid,DNS:two.invalid";
  const made = Bun.spawnSync(
    [
      openssl,
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-days",
      "2",
    ].concat([
      "-subj",
      "/CN=one.invalid",
      "-addext",
      names,
      "-keyout",
      "key.pem",
      "-out",
      "cert.pem",
    ]),
    { cwd: folder },
  );
  expect(made.exitCode).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Answers every request with its Host line. */
function tlsServer(onSocket: (socket: TLSSocket) => void): Server {
  const file = (name: string) => readFileSync(join(folder, name));
  const options = { key: file("key.pem"), cert: file("cert.pem") };
  return createServer(options, (socket) => {
    onSocket(socket);
    socket.on("error", () => {});
    socket.once("data", (head) => {
      const host = /^host: .*$/im.exec(String(head))?.[0].toLowerCase() ?? "";
      socket.end(
        `HTTP/1.1 200 OK\r\nContent-Length: ${host.length}\r\nConnection: close\r\n\r\n${host}`,
      );
    });
  });
}
