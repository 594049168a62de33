/** Routes for orchestrators and pytrickle's callers, who name streams by X-Stream-Id (protocol.md 1.4 to 1.6, 7.1). */
import { Elysia } from "elysia";
import { WorkerError } from "../../../errors.ts";
import { stateOf } from "../../health.ts";
import { ratesOf } from "../../protocols/side-channels/vitals.ts";
import { UpdateFields } from "../../streams/fields.ts";
import type { StreamStore } from "../../streams/store.ts";
import type { Stream } from "../../streams/stream.ts";
import type { AccessPolicy, CallerRole } from "../access/access-policy.ts";
import { readJson } from "../json-body.ts";
import { failures } from "../schemas/failures.ts";
import { jsonContent, operation } from "../schemas/openapi.ts";
import { StateAnswer } from "../schemas/server-answers.ts";
import { ChangedAnswer, StopAnswer } from "../schemas/stream-answers.ts";
import { StreamIdHeader, streamIdIn, streamIdOf, withoutStreamId } from "./stream-id.ts";
import { changeStream, type StreamServices, startStream, stopStream } from "./stream-routes.ts";

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
      .post(
        `${base}/stream/stop`,
        ({ request, server }) => stop(store, request, access.roleOf({ request, server })),
        {
          ...access.orchestrator,
          parse: "none",
          headers: StreamIdHeader,
          response: { 200: StopAnswer, ...failures(400) },
          detail: detail("Stop the stream of X-Stream-Id; an unknown or ended one is no error"),
        },
      )
      .post(
        `${base}/stream/params`,
        async ({ request, server }) => {
          const body = await readJson(request);
          const id = streamIdOf(request) || streamIdIn(body);
          const stream = id ? store.get(id) : onlyStream(store, access.roleOf({ request, server }));
          return changeStream(services, stream, withoutStreamId(body));
        },
        {
          ...access.orchestrator,
          parse: "none",
          headers: StreamIdHeader,
          response: { 200: ChangedAnswer, ...failures(400, 404, 413, 503, 504) },
          detail: {
            ...detail("Change the stream of X-Stream-Id"),
            requestBody: { required: true, content: jsonContent(UpdateFields) },
          },
        },
      )
      .get(
        `${base}/stream/status`,
        ({ request, server }) =>
          status(services, streamIdOf(request), access.roleOf({ request, server })),
        {
          ...access.byStreamId,
          headers: StreamIdHeader,
          response: { 200: StateAnswer, ...failures(404) },
          detail: detail("State of the worker and of the stream of X-Stream-Id"),
        },
      );
  }
  return app;
};

/** An unknown or ended stream is no error: stops come twice, and late. The body may be anything. */
async function stop(store: StreamStore, request: Request, role: CallerRole) {
  // With the header the body, where a gateway gives its reasons, is not waited for.
  const id = streamIdOf(request) || (await idInBody(request)) || onlyStream(store, role).id;
  const answer = await stopStream(store, id, "stopped by orchestrator");
  return { status: "success" as const, ...answer };
}

/** A body that is not JSON names no stream. */
const idInBody = async (request: Request): Promise<string | null> =>
  streamIdIn(await readJson(request).catch(() => null));

/** The stream meant by a caller that names none. Throws unless it is an operator and one stream is live. */
function onlyStream(store: StreamStore, role: CallerRole): Stream {
  if (role !== "operator")
    throw new WorkerError("invalid_request", "name the stream with X-Stream-Id");
  const [stream, ...others] = store.list("live");
  if (stream !== undefined && others.length === 0) return stream;
  const message = `${store.liveCount} streams are running: say which one with X-Stream-Id`;
  throw new WorkerError("invalid_request", message);
}

/** pytrickle's state object (protocol.md 7.1), with the named stream, or for an operator with the only live one. */
function status({ scheduler, store }: StreamServices, id: string | null, role: CallerRole) {
  const live = store.list("live");
  const only = role === "operator" && live.length === 1 ? live[0] : undefined;
  const stream = id ? store.get(id) : only;
  const state = stateOf({ scheduler, store });
  return {
    success: true as const,
    status: state,
    state,
    error_message: stream?.error?.message ?? null,
    pipeline_ready: scheduler.state === "ready",
    startup_complete: scheduler.state !== "loading",
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
