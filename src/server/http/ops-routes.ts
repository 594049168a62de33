/** Hides what operators and container platforms ask: health, version, models, and a first page. */
import { Elysia } from "elysia";
import type { EnginePool } from "../engine-pool.ts";
import type { StreamStore } from "../stream-store.ts";
import { failures, HealthAnswer, ModelsAnswer, VersionAnswer } from "./schemas.ts";

export interface OpsOptions {
  readonly pool: EnginePool;
  readonly store: StreamStore;
  readonly version: string;
  /** First capability name, which pytrickle's callers know as the model. */
  readonly capabilityName: string;
}

export const opsRoutes = ({ pool, store, version, capabilityName }: OpsOptions) => {
  const versions = {
    success: true as const,
    pipeline: "byoc",
    model_id: capabilityName,
    version,
  };
  return new Elysia({ name: "ops-routes" })
    .get(
      "/health",
      ({ set }) => {
        const health = { ...healthOf(pool, store), version, engines: [...pool.engines] };
        set.status = health.healthy ? 200 : 503;
        return health;
      },
      { response: { 200: HealthAnswer, 503: HealthAnswer }, detail: { summary: "Usable or not" } },
    )
    .get("/version", () => versions, {
      response: { 200: VersionAnswer },
      detail: { summary: "What runs here" },
    })
    .get("/app-version", () => ({ success: true as const, version }), {
      detail: { summary: "The program's version" },
    })
    .get(
      "/models",
      () => {
        const models = [...pool.models()].map((model) => ({ ...model, params: [...model.params] }));
        return { success: true as const, models, count: models.length };
      },
      {
        response: { 200: ModelsAnswer, ...failures },
        detail: { summary: "Models, where they run and the parameters they take" },
      },
    )
    .get("/", ({ request }) => page(new URL(request.url).origin), { detail: { hide: true } });
};

/** pytrickle's states (protocol.md 7.1): a stream's failure never makes the server's ERROR. */
function healthOf(pool: EnginePool, store: StreamStore) {
  const active = store.liveCount;
  const state = pool.state;
  const status =
    state === "broken"
      ? ("ERROR" as const)
      : active > 0
        ? ("OK" as const)
        : state === "loading"
          ? ("LOADING" as const)
          : ("IDLE" as const);
  return {
    status,
    healthy: state !== "broken",
    active_streams: active,
    capacity: store.capacity,
    timestamp: new Date().toISOString(),
  };
}

function page(origin: string): Response {
  // The origin comes from the Host header, which a caller chooses.
  const base = Bun.escapeHTML(origin);
  const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>comfystream-byoc</title><link rel="icon" href="data:,"></head>
<body>
<h1>comfystream-byoc</h1>
<p>A live AI-video worker. <a href="/openapi">API</a> · <a href="/health">health</a> ·
<a href="/models">models</a> · <a href="/streams?all=1">streams</a></p>
<pre>
curl ${base}/health

curl -X POST ${base}/stream/start -H "Content-Type: application/json" \\
  -d '{"prompts": [{"prompt": "test"}], "stream_url": "${base}/trickle/test"}'

curl ${base}/streams
curl ${base}/trickle/test/-1 --output segment.mp4
curl -X DELETE ${base}/stream/{manifest_id}
</pre>
</body>
</html>
`;
  return new Response(html, { headers: { "content-type": "text/html;charset=utf-8" } });
}
