/** Who may do what, cell by cell (contract.md), over real HTTP: the peer, the Host and the path are what was sent. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { networkInterfaces } from "node:os";
import type { AccessTokens } from "../../src/server/http/access/access-policy.ts";
import { listen } from "../../src/server/http/listen.ts";
import { TrickleServer } from "../../src/trickle/server/trickle-server.ts";
import { rawRequest } from "../support/raw-request.ts";
import { testServer } from "../support/test-server.ts";

setDefaultTimeout(20_000);

const CONFIGURATIONS = {
  "no tokens": {},
  ORCH_URL: { capability: "C", engine: "E", page: "P" },
  API_TOKEN: { api: "A", engine: "E", page: "P" },
  "ORCH_URL and API_TOKEN": { api: "A", capability: "C", engine: "E", page: "P" },
} as const satisfies Record<string, AccessTokens>;
type Configuration = keyof typeof CONFIGURATIONS;

/** Routes of each audience, as method and path. */
const ROUTES = {
  open: [
    "GET /health",
    "GET /version",
    "GET /",
    "GET /openapi",
    "GET /openapi/json",
    "GET /openapi/viewer.css",
    "GET /trickle/none/next",
    "HEAD /health",
  ],
  operator: [
    "GET /streams",
    "HEAD /streams",
    "GET /models",
    "GET /app-version",
    "GET /hardware/info",
    "GET /hardware/stats",
    "GET /metrics",
    "GET /registrations",
    "GET /stream/x/status",
    "GET /stream/x/debug",
    "DELETE /stream/x",
    "POST /stream/x/params",
    "GET /stream/status",
    "GET /c/any/stream/status",
  ],
  /** Neither a route nor a method of one: a 404 or 405 for those who may call routes at all. */
  unknown: ["GET /no/such/route", "POST /no/such/route", "PUT /streams"],
  orchestrator: [
    "POST /c/text-reversal",
    "POST /c/text-reversal/anything",
    "POST /text-reversal",
    "POST /no-such-capability",
    "POST /health",
    "POST /process/request/text-reversal",
    "POST /",
    "POST /stream/start",
    "POST /stream/stop",
    "POST /stream/params",
    "POST /live-video-to-video",
    "POST /api/stream/start",
    "POST /process/request/stream/stop",
    "POST /c/any/stream/params",
  ],
  trickleWriter: ["POST /trickle/none", "POST /trickle/none/0", "DELETE /trickle/none"],
} as const;
type Audience = keyof typeof ROUTES;

/** What a request bears; `other` is the token of another server. */
type Bearer = "none" | "A" | "C" | "E" | "P" | "other";
type Peer = "this machine" | "elsewhere";

/** The table of contract.md: what a caller gets. */
function expected(audience: Audience, configuration: Configuration, bearer: Bearer, peer: Peer) {
  const { api, capability, engine, ...rest }: AccessTokens = CONFIGURATIONS[configuration];
  const page = api === undefined ? rest.page : undefined;
  const admitted = ((): boolean => {
    if (audience === "open" || configuration === "no tokens") return true;
    if (bearer === api) return true;
    if (bearer === engine) return audience === "trickleWriter";
    switch (audience) {
      case "orchestrator":
        return bearer === capability || (bearer === page && peer === "this machine");
      case "operator":
        return api === undefined && peer === "this machine";
      case "unknown":
        return bearer === capability || (api === undefined && peer === "this machine");
      case "trickleWriter":
        return api === undefined && peer === "this machine";
      default:
        return audience satisfies never;
    }
  })();
  if (admitted) return "admitted";
  const known = bearer === "none" || [api, capability, engine, page].includes(bearer);
  return known ? 403 : 401;
}

/** Ways to spell a path that lead to the same route. */
const SPELLINGS: readonly ((path: string) => string)[] = [
  (path) => path,
  (path) => `${path}/`,
  (path) => `/${path}`,
  (path) => path.replace(/(?<=.)\//g, "//"),
  (path) => `${path}?token=A&authorization=Bearer%20A`,
  (path) => `/x/..${path}`,
];

interface Served {
  readonly port: number;
  readonly close: () => Promise<void>;
}
const served = new Map<Configuration, Served>();

beforeAll(async () => {
  for (const [name, tokens] of Object.entries(CONFIGURATIONS)) {
    const trickle = new TrickleServer({ autoCreate: false });
    const { app, scheduler, close } = testServer({ tokens, trickle });
    const server = listen(app, { host: "0.0.0.0", port: 0 });
    await scheduler.ready(5000);
    served.set(name as Configuration, {
      port: server.port ?? 0,
      close: async () => {
        await close();
        trickle[Symbol.dispose]();
        await server.stop(true);
      },
    });
  }
});
afterAll(() => Promise.all([...served.values()].map(({ close }) => close())));

/** An address of this machine at which its own programs are no loopback peers. */
const interfaceAddress = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === "IPv4" && !one.internal)?.address;

interface Ask {
  readonly configuration: Configuration;
  readonly route: string;
  readonly bearer?: Bearer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly address?: string;
  readonly body?: string;
}

async function ask({ configuration, route, bearer = "none", headers = {}, address, body }: Ask) {
  const [method = "", path = ""] = route.split(" ");
  const { port = 0 } = served.get(configuration) ?? {};
  const host = address ?? "127.0.0.1";
  const response = await rawRequest(host, port, {
    method,
    path,
    headers: {
      Host: `${host}:${port}`,
      ...(bearer === "none" ? {} : { Authorization: `Bearer ${bearer}` }),
      ...headers,
    },
    body: body ?? (method === "POST" ? "{}" : ""),
  });
  return response.status === 401 || response.status === 403 ? response.status : "admitted";
}

const BEARERS: readonly Bearer[] = ["none", "A", "C", "E", "P", "other"];
const FORWARDED = { "X-Forwarded-For": "203.0.113.9" };
const cells = (Object.keys(CONFIGURATIONS) as Configuration[]).flatMap((configuration) =>
  (Object.keys(ROUTES) as Audience[]).flatMap((audience) =>
    BEARERS.map((bearer) => ({ configuration, audience, bearer })),
  ),
);

describe.each(cells)(
  "with $configuration, $audience routes for bearer $bearer",
  ({ configuration, audience, bearer }) => {
    test.each(ROUTES[audience].map(String))("%s from this machine", async (route) => {
      const verdict = expected(audience, configuration, bearer, "this machine");
      expect(await ask({ configuration, route, bearer })).toBe(verdict);
    });
    test.each(ROUTES[audience].map(String))("%s through a proxy", async (route) => {
      const verdict = expected(audience, configuration, bearer, "elsewhere");
      expect(await ask({ configuration, route, bearer, headers: FORWARDED })).toBe(verdict);
    });
    test.skipIf(interfaceAddress === undefined)(
      "from an address that is not loopback (skips without a network interface)",
      async () => {
        const verdict = expected(audience, configuration, bearer, "elsewhere");
        for (const route of ROUTES[audience]) {
          const address = interfaceAddress ?? "";
          expect([route, await ask({ configuration, route, bearer, address })]).toEqual([
            route,
            verdict,
          ]);
        }
      },
    );
  },
);

describe.each(Object.keys(ROUTES) as Audience[])(
  "no spelling of a path changes the audience of %s routes",
  (audience) => {
    test.each(ROUTES[audience].map(String))("%s", async (route) => {
      const [method = "", path = ""] = route.split(" ");
      const configuration = "ORCH_URL";
      for (const spell of SPELLINGS)
        for (const headers of [{}, FORWARDED]) {
          const spelled = `${method} ${spell(path)}`;
          const peer = headers === FORWARDED ? "elsewhere" : "this machine";
          const verdict = expected(audience, configuration, "none", peer);
          const got = await ask({ configuration, route: spelled, headers });
          expect([spelled, got]).toEqual([spelled, verdict]);
        }
    });
  },
);

test.each([
  ["GET /%73treams", 403],
  ["GET /streams%2F", 403],
  ["GET /STREAMS", 403],
  ["DELETE /%74rickle/none", 403],
  ["POST /%74rickle/none/0", 403],
  ["GET /stream/%2e%2e/status", 403],
  ["POST /stream/start%00", 403],
  ["GET /health%2f..%2fstreams", 403],
  ["GET /trickle/..%2fstreams", "admitted"],
  ["GET /trickle/../streams", 403],
  ["GET /health/../streams", 403],
])("%s from elsewhere is %s", async (route, verdict) => {
  expect<unknown>(await ask({ configuration: "ORCH_URL", route, headers: FORWARDED })).toBe(
    verdict,
  );
});

test("a stream's status is an orchestrator's route with X-Stream-Id and an operator's without", async () => {
  const status = (bearer: Bearer, headers: Record<string, string>) =>
    ask({ configuration: "ORCH_URL", route: "GET /stream/status", bearer, headers });
  const named = { "X-Stream-Id": "x" };
  expect(await status("C", { ...named, ...FORWARDED })).toBe("admitted");
  expect(await status("none", named)).toBe(403);
  expect(await status("other", named)).toBe(401);
  expect(await status("C", FORWARDED)).toBe(403);
  expect(await status("none", {})).toBe("admitted");
});

test.each([
  { Forwarded: "for=203.0.113.9" },
  { "X-Forwarded-For": "127.0.0.1" },
  { "X-Forwarded-Proto": "https" },
  { "X-Forwarded-Host": "localhost" },
  { "X-Real-IP": "127.0.0.1" },
  { Via: "1.1 proxy" },
  { "CF-Connecting-IP": "203.0.113.9" },
  { "True-Client-IP": "203.0.113.9" },
])("a loopback peer with %j is not this machine", async (headers) => {
  expect(await ask({ configuration: "ORCH_URL", route: "GET /streams", headers })).toBe(403);
});

test.each([
  ["localhost:5000", "admitted"],
  ["127.0.0.1:1", "admitted"],
  ["[::1]:5000", "admitted"],
  ["rebound.example:5000", 403],
])(
  "a loopback peer that was sent to %s is %s: a page's name may resolve to loopback",
  async (Host, verdict) => {
    const headers = { Host };
    const got = await ask({ configuration: "ORCH_URL", route: "GET /streams", headers });
    expect<unknown>(got).toBe(verdict);
  },
);

test.each(["Basic QTo=", "bearer", "Bearer", "A", "Bearer A A", "Bearer AA", "Token A"])(
  "Authorization: %s opens nothing",
  async (Authorization) => {
    const headers = { Authorization };
    const got = await ask({ configuration: "API_TOKEN", route: "GET /streams", headers });
    expect([401, 403]).toContain(got as number);
  },
);

test("only a playground that is opened on this machine gets a token", async () => {
  const page = async (configuration: Configuration, headers: Record<string, string> = {}) => {
    const { port = 0 } = served.get(configuration) ?? {};
    const init = { method: "GET", path: "/", headers: { Host: "localhost", ...headers }, body: "" };
    const { body } = await rawRequest("127.0.0.1", port, init);
    return /data-token="([^"]*)"/.exec(body)?.[1];
  };
  expect(await page("ORCH_URL")).toBe("P");
  for (const headers of [FORWARDED, { Host: "a.example" }, { Origin: "http://localhost:3000" }])
    expect(await page("ORCH_URL", headers as Record<string, string>)).toBe("");
  for (const configuration of ["no tokens", "API_TOKEN", "ORCH_URL and API_TOKEN"] as const)
    expect(await page(configuration)).toBe("");
});

test("a preflight needs no token, and opens nothing", async () => {
  const headers = { Origin: "https://app.example", "Access-Control-Request-Method": "POST" };
  for (const path of ["/streams", "/stream/start", "/trickle/x/0", "/none"])
    expect(await ask({ configuration: "API_TOKEN", route: `OPTIONS ${path}`, headers })).toBe(
      "admitted",
    );
});

test("answers to strangers do not reveal which streams, routes and methods exist", async () => {
  const answers = await Promise.all(
    ["GET /streams", "GET /no/such", "PUT /models", "GET /stream/x/status", "DELETE /stream/x"].map(
      async (route) => {
        const [method = "", path = ""] = route.split(" ");
        const { port = 0 } = served.get("ORCH_URL") ?? {};
        const headers = { Host: "localhost", ...FORWARDED };
        const response = await rawRequest("127.0.0.1", port, { method, path, headers, body: "" });
        return {
          status: response.status,
          allow: response.headers.get("allow"),
          body: response.body,
        };
      },
    ),
  );
  for (const answer of answers) expect(answer).toEqual({ ...answers[0], allow: null } as never);
});
