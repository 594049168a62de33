/** Routes for orchestrators and pytrickle's callers, who name streams by X-Stream-Id (protocol.md 1.4 to 1.6, 7.1). */
import { Elysia } from "elysia";
import { WorkerError } from "../../errors.ts";
import { ratesOf } from "../protocols/byoc/vitals.ts";
import { UpdateFields } from "../streams/fields.ts";
import type { StreamStore } from "../streams/store.ts";
import type { Stream } from "../streams/stream.ts";
import type { AccessPolicy } from "./access.ts";
import { readJson } from "./json-body.ts";
import { stateOf } from "./ops-routes.ts";
import {
  ChangedAnswer,
  failures,
  jsonContent,
  operation,
  StateAnswer,
  StopAnswer,
} from "./schemas.ts";
import { streamIdOf } from "./stream-id.ts";
import { changeStream, type StreamServices, startStream, stopStream } from "./stream-routes.ts";

const ID_MEMBERS = ["gateway_request_id", "stream_id", "manifest_id", "request_id"];

/** Every base that may have been registered as the capability's URL. */
const BASES = ["", "/api", "/process/request", "/c/:capability"];

export const workerRoutes = (access: AccessPolicy, services: StreamServices) => {
  const { store } = services;
  const app = new Elysia({ name: "worker-routes" });
  for (const base of BASES) {
    const detail = (summary: string) => ({
      ...operation("orchestrators", summary),
      hide: base !== "",
    });
    const start = async ({ request }: { request: Request }) =>
      startStream(services, await readJson(request), request);
    const hidden = { ...access.orchestrator, parse: "none" as const, detail: { hide: true } };
    if (base !== "") app.post(`${base}/stream/start`, start, hidden);
    app.post(`${base}/live-video-to-video`, start, hidden);
    app
      .post(`${base}/stream/stop`, ({ request }) => stop(store, request), {
        ...access.orchestrator,
        parse: "none",
        response: { 200: StopAnswer, ...failures(400) },
        detail: detail("Stop the stream of X-Stream-Id; one that is unknown or over is fine"),
      })
      .post(
        `${base}/stream/params`,
        async ({ request }) => {
          const body = await readJson(request);
          const id = idOf(request, body) ?? onlyStream(store);
          return changeStream(services, store.get(id), withoutIds(body));
        },
        {
          ...access.orchestrator,
          parse: "none",
          response: { 200: ChangedAnswer, ...failures(400, 404, 413) },
          detail: {
            ...detail("Change the stream of X-Stream-Id"),
            requestBody: { required: true, content: jsonContent(UpdateFields) },
          },
        },
      )
      .get(`${base}/stream/status`, ({ request }) => status(services, idOf(request, null)), {
        ...access.byStreamId,
        response: { 200: StateAnswer, ...failures(404) },
        detail: detail("How the worker is, and the stream of X-Stream-Id"),
      });
  }
  return app;
};

/** Unknown and ended ids are fine: stops come twice, and late. The body may be anything. */
async function stop(store: StreamStore, request: Request) {
  // Where the header says it, what a gateway adds in words is not waited for.
  const id = idOf(request, null) ?? (await idInBody(request)) ?? onlyStream(store);
  await stopStream(store, id);
  return {
    success: true as const,
    status: "success" as const,
    manifest_id: id,
    message: "Stream stopped successfully",
  };
}

/** pytrickle's state object (protocol.md 7.1), of the stream that is named or the first one that lives. */
function status({ pool, store }: StreamServices, id: string | null) {
  const live = store.list("live");
  const stream = id === null ? live[0] : store.get(id);
  const state = stateOf(pool, store);
  return {
    success: true as const,
    status: state,
    state,
    error_message: stream?.error?.message ?? null,
    pipeline_ready: pool.state === "ready",
    startup_complete: pool.state !== "loading",
    pipeline_state: state,
    active_streams: live.length,
    additional_info: {},
    client_active: live.length > 0,
    ...(stream === undefined ? {} : clientOf(stream)),
  };
}

function clientOf(stream: Stream) {
  return {
    client_running: stream.endedAt === null,
    fps: ratesOf(stream),
    // Channel names are credentials.
    current_params: { subscribe_url: null, publish_url: null, gateway_request_id: stream.id },
    stream: stream.toJSON(),
  };
}

const idInBody = async (request: Request): Promise<string | null> =>
  idOf(request, await readJson(request).catch(() => null));

function idOf(request: Request, body: unknown): string | null {
  const header = streamIdOf(request);
  if (header) return header;
  if (typeof body !== "object" || body === null) return null;
  const id: unknown = ID_MEMBERS.map((name) => Reflect.get(body, name)).find(Boolean);
  return typeof id === "string" ? id : null;
}

function withoutIds(body: unknown): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([name]) => !ID_MEMBERS.includes(name)));
}

function onlyStream(store: StreamStore): string {
  const [one, ...more] = store.list("live");
  if (one !== undefined && more.length === 0) return one.id;
  const message = `name the stream with X-Stream-Id: ${store.liveCount} are live`;
  throw new WorkerError("invalid_request", message);
}
