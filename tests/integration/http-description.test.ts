/** What the API says of itself, and who may call it. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { expectFailure } from "../support/expect-failure.ts";
import { testServer } from "../support/test-server.ts";

setDefaultTimeout(20_000);

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: unknown;
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

let server: ReturnType<typeof testServer>;
beforeAll(async () => {
  server = testServer();
  await server.scheduler.ready(5000);
});
afterAll(() => server.close());

const ask: ReturnType<typeof testServer>["ask"] = (...args) => server.ask(...args);

test("models, versions and the API's description are served, and the viewer loads nothing from other hosts", async () => {
  const models = (await ask("GET", "/models")).body;
  expect(models).toMatchObject({ success: true, count: 6 });
  expect((await ask("GET", "/version")).body).toMatchObject({ success: true, version: "0.0.0" });
  const api = (await ask("GET", "/openapi/json")).body;
  expect(Object.keys(api.paths)).toContain("/stream/{id}/params");
  const schema = api.paths["/stream/start"].post.requestBody.content["application/json"].schema;
  expect(Object.keys(schema.properties)).toContain("stream_url");
  for (const path of ["/openapi", "/"]) {
    const page: string = (await ask("GET", path)).body;
    expect(page).toContain("<html");
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
  }
  for (const path of ["/openapi/viewer.js", "/openapi/viewer.css"])
    expect((await ask("GET", path)).status).toBe(200);
});

test("every described route has a group, a summary, its token and its failures", async () => {
  const api = (await ask("GET", "/openapi/json")).body;
  const tags = api.tags.map(({ name }: { name: string }) => name);
  const open = ["/health", "/version"];
  for (const [path, methods] of Object.entries<Record<string, Operation>>(api.paths))
    for (const [method, described] of Object.entries(methods)) {
      const what = `${method} ${path}`;
      expect([what, described.summary?.length]).toEqual([what, expect.any(Number)]);
      expect(tags).toContain(described.tags?.[0]);
      expect([what, described.security]).toEqual([
        what,
        open.includes(path) ? [] : [{ token: [] }],
      ]);
      const texts = Object.values(described.responses).map(({ description }) => description);
      expect([what, texts]).toEqual([
        what,
        expect.not.arrayContaining([expect.stringMatching(/^Response for|^$/)]),
      ]);
      if (!open.includes(path)) expect(Object.keys(described.responses)).toContain("403");
    }
  expect(Object.keys(api.paths["/{capability}"].post.responses)).toEqual([
    "200",
    "400",
    "401",
    "403",
    "404",
    "413",
    "503",
    "504",
  ]);
});

test("with CORS for all origins any page may call, without credentials", async () => {
  const guarded = testServer({ tokens: { api: "secret" } });
  try {
    const origin = { origin: "https://app.example" };
    const preflight = await guarded.ask("OPTIONS", "/stream/start", undefined, {
      ...origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type, livepeer",
    });
    expect(preflight.status).toBeLessThan(300);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
    expect(preflight.headers.get("access-control-allow-headers")).toContain("Livepeer");
    expect(preflight.headers.get("access-control-allow-credentials")).toBeNull();
    const refused = await guarded.ask("GET", "/streams", undefined, origin);
    expectFailure(refused, 403, "forbidden");
    expect(refused.headers.get("access-control-allow-origin")).toBe("*");
    const wrong = { ...origin, authorization: "Bearer nope" };
    expectFailure(await guarded.ask("GET", "/streams", undefined, wrong), 401, "unauthorized");
    const right = { authorization: "Bearer secret" };
    expect((await guarded.ask("GET", "/streams", undefined, right)).status).toBe(200);
    const job = await guarded.ask("POST", "/process/request/text-reversal", { text: "ab" }, right);
    expect(job.body.reversed).toBe("ba");
  } finally {
    await guarded.close();
  }
});
