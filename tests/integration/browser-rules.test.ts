/** What web pages may do with a server, over real HTTP: Origin, Host and content types (contract.md). */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { listen } from "../../src/server/http/listen.ts";
import { TrickleServer } from "../../src/trickle/server/trickle-server.ts";
import { rawRequest } from "../support/raw-request.ts";
import { type TestServerOptions, testServer } from "../support/test-server.ts";

setDefaultTimeout(20_000);

const open: (() => Promise<unknown>)[] = [];
afterAll(() => Promise.all(open.map((close) => close())));

const JSON_TYPE = { "Content-Type": "application/json" };
const OWN = "http://localhost:5000";

/** Serves on loopback as a server with `--host` and `--cors-origins` would; null: not given. */
function serve(corsOrigins: readonly string[] | null, options: Partial<TestServerOptions> = {}) {
  const trickle = new TrickleServer({ autoCreate: true });
  const { app, close } = testServer({ corsOrigins, trickle, ...options });
  const server = listen(app, { host: "127.0.0.1", port: 0 });
  open.push(async () => {
    await close();
    trickle[Symbol.dispose]();
    await server.stop(true);
  });
  return (route: string, headers: Record<string, string>, body = "{}") => {
    const [method = "", path = ""] = route.split(" ");
    const sent = { Host: "localhost:5000", ...headers };
    const hasBody = method === "POST" || method === "PUT" || method === "PATCH";
    const init = { method, path, headers: sent, body: hasBody ? body : "" };
    return rawRequest("127.0.0.1", server.port ?? 0, init);
  };
}

const bySettings = serve(null);
const byList = serve(["https://app.example"]);
const byStar = serve(["*"]);
const byOddList = serve(["HTTPS://App.Example:443"]);

/** Every route that changes something, of every audience. */
const CHANGING = [
  "POST /stream/start",
  "POST /stream/stop",
  "POST /stream/params",
  "POST /stream/x/params",
  "DELETE /stream/x",
  "POST /c/text-reversal",
  "POST /process/request/text-reversal",
  "POST /text-reversal",
  "POST /trickle/x/0",
  "DELETE /trickle/x",
  "PUT /streams",
  "PATCH /streams",
];

const FOREIGN = [
  "https://evil.example",
  "http://localhost.evil.example",
  "http://192.168.1.7",
  "http://evil.example:5000",
  "https://app.example.evil.example",
  "https://app.example:444",
  "null",
  "file://",
  "chrome-extension://abc",
];

test.each(CHANGING)("%s is refused to pages that CORS does not name", async (route) => {
  for (const ask of [bySettings, byList])
    for (const Origin of FOREIGN) {
      const { status, headers, body } = await ask(route, { Origin, ...JSON_TYPE });
      expect([Origin, status]).toEqual([Origin, 403]);
      expect(body).toContain("--cors-origins");
      expect(headers.get("access-control-allow-origin")).toBeNull();
    }
});

test.each([
  [bySettings, "by default", [OWN, "http://127.0.0.1:3000", "https://[::1]", "http://localhost"]],
  [byList, "by a list", ["https://app.example", OWN]],
  [byOddList, "by a list in another spelling", ["https://app.example"]],
  [byStar, "by *", [...FOREIGN, OWN]],
] as const)("%p: pages that CORS names may call (%s)", async (ask, _how, origins) => {
  for (const Origin of origins) {
    const job = await ask("POST /text-reversal", { Origin, ...JSON_TYPE }, '{"text":"ab"}');
    expect([Origin, job.status]).toEqual([Origin, 200]);
    expect(job.body).toContain('"reversed":"ba"');
  }
});

test("a page behind a proxy that ends TLS and passes the Host on is the server's own", async () => {
  const ask = serve(null, { host: "0.0.0.0" });
  const headers = { Host: "ai.example", Origin: "https://ai.example", ...JSON_TYPE };
  expect((await ask("POST /text-reversal", headers, '{"text":"ab"}')).status).toBe(200);
  const other = { ...headers, Origin: "https://ai.example:444" };
  expect((await ask("POST /text-reversal", other, '{"text":"ab"}')).status).toBe(403);
});

test("pages may read what CORS allows", async () => {
  const allowed = async (ask: typeof byList, Origin: string) =>
    (await ask("GET /health", { Origin })).headers.get("access-control-allow-origin");
  expect(await allowed(byList, "https://app.example")).toBe("https://app.example");
  expect(await allowed(byList, "https://evil.example")).toBeNull();
  expect(await allowed(bySettings, "http://localhost:3000")).toBe("http://localhost:3000");
  expect(await allowed(bySettings, "https://evil.example")).toBeNull();
  expect(await allowed(byStar, "https://evil.example")).toBe("*");
  const { headers } = await byStar("GET /health", { Origin: "https://a.example" });
  expect(headers.get("access-control-allow-credentials")).toBeNull();
  expect(headers.get("access-control-expose-headers")).toContain("X-Metadata");
});

test("a preflight allows the methods and headers of the API to pages that CORS names, and to no other", async () => {
  const preflight = (Origin: string) =>
    byList("OPTIONS /stream/start", { Origin, "Access-Control-Request-Method": "POST" });
  const named = await preflight("https://app.example");
  expect(named.headers.get("access-control-allow-origin")).toBe("https://app.example");
  expect(named.headers.get("access-control-allow-methods")).toContain("DELETE");
  const headers = named.headers.get("access-control-allow-headers")?.split(", ") ?? [];
  for (const name of ["Content-Type", "Authorization", "Livepeer", "X-Stream-Id"])
    expect(headers).toContain(name);
  // A page that pays an orchestrator for each call.
  for (const name of ["Livepeer-Payment", "Livepeer-Segment"]) expect(headers).toContain(name);
  const foreign = await preflight("https://evil.example");
  expect(foreign.headers.get("access-control-allow-origin")).toBeNull();
});

test.each([
  ["text/plain", 403],
  ["application/x-www-form-urlencoded", 403],
  ["multipart/form-data; boundary=x", 403],
  ["application/jsonp", 403],
  ["text/plain; application/json", 403],
  ["", 403],
  ["application/json", 200],
  ["Application/JSON; charset=utf-8", 200],
])("a page's body as %p is %d on a JSON route", async (type, status) => {
  const headers = { Origin: OWN, "Content-Type": type };
  const answer = await byStar("POST /text-reversal", headers, '{"text":"ab"}');
  expect(answer.status).toBe(status);
});

test("other clients may send JSON with any content type, and trickle takes any body", async () => {
  const job = await bySettings(
    "POST /text-reversal",
    { "Content-Type": "text/plain" },
    '{"text":"ab"}',
  );
  expect(job.status).toBe(200);
  const untyped = await bySettings("POST /text-reversal", {}, '{"text":"ab"}');
  expect(untyped.status).toBe(200);
  const segment = { Origin: OWN, "Content-Type": "video/mp4" };
  expect((await bySettings("POST /trickle/x/0", segment, "bytes")).status).toBe(200);
  expect((await bySettings("DELETE /trickle/x", { Origin: OWN })).status).toBe(200);
});

const onLoopback = serve(null, { host: "127.0.0.1" });
const anywhere = serve(null, { host: "0.0.0.0" });

test.each([
  "evil.example",
  "evil.example:5000",
  "localhost.evil.example",
  "192.168.1.7",
  "0.0.0.0",
])("a server on loopback does not answer to %s, one that listens elsewhere does", async (Host) => {
  for (const route of [
    "GET /streams",
    "GET /health",
    "GET /",
    "POST /text-reversal",
    "GET /none",
  ]) {
    const { status, body } = await onLoopback(route, { Host });
    expect([route, status, body.includes("forbidden")]).toEqual([route, 403, true]);
  }
  expect((await anywhere("GET /streams", { Host })).status).toBe(200);
});

test.each([
  "localhost",
  "localhost:9",
  "LOCALHOST:5000",
  "localhost.",
  "127.0.0.1:8080",
  "[::1]:1",
  "127.1",
])("a server on loopback answers to %s, whatever the port: it may be forwarded", async (Host) => {
  expect((await onLoopback("GET /streams", { Host })).status).toBe(200);
});
