/** Routes that start streams and manage them by their ids. */
import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { reason, WorkerError } from "../../../errors.ts";
import { getLogger, logId } from "../../../log.ts";
import { cut, withoutValue } from "../../../shown-value.ts";
import { untilAborted } from "../../../streams/until-aborted.ts";
import type { EngineScheduler } from "../../engines/scheduler.ts";
import { type Protocols, selectProtocol } from "../../protocols/select-protocol.ts";
import { StartFields, UpdateFields } from "../../streams/fields.ts";
import type { StreamStarter } from "../../streams/start.ts";
import type { StreamStore } from "../../streams/store.ts";
import type { Stream } from "../../streams/stream.ts";
import type { EndReason } from "../../streams/stream-life.ts";
import type { Remarks, StreamUpdater } from "../../streams/update.ts";
import type { AccessPolicy } from "../access/access-policy.ts";
import { readJson } from "../json-body.ts";
import { failureContents, failures } from "../schemas/failures.ts";
import { bodyFor, jsonContent, operation } from "../schemas/openapi.ts";
import {
  ChangedAnswer,
  StartAnswer,
  StopAnswer,
  StreamAnswer,
  StreamsAnswer,
} from "../schemas/stream-answers.ts";
import { dataEvents } from "./data-events.ts";
import { DebugAnswer, streamDebug } from "./stream-debug.ts";
import { StreamIdHeader, streamIdOf } from "./stream-id.ts";

export interface StreamServices {
  readonly scheduler: EngineScheduler;
  readonly store: StreamStore;
  readonly starter: StreamStarter;
  readonly updater: StreamUpdater;
  readonly protocols: Protocols;
}

const STOP_WAIT_MS = 1000;
const log = getLogger("http");
const DATA_EXAMPLE = `data: {"type":"data","seconds":12.4,"model":"tagger","values":{"labels":[{"label":"cat","score":0.97}]},"timestamp":1764383400000,"dropped":0}

`;
const ById = Type.Object({ id: Type.String({ minLength: 1, maxLength: 256 }) });

export const streamRoutes = (access: AccessPolicy, services: StreamServices) =>
  new Elysia({ name: "stream-routes" })
    .post(
      "/stream/start",
      async ({ request }) => startStream(services, await readJson(request), request),
      {
        ...access.orchestrator,
        parse: "none",
        headers: StreamIdHeader,
        // The control protocol that reads the body checks it.
        ...bodyFor<StartFields>(),
        response: { 200: StartAnswer, ...failures(400, 413, 503, 504) },
        detail: {
          ...operation("streams", "Start a stream, in seed mode or for an orchestrator"),
          requestBody: { required: true, content: jsonContent(StartFields) },
        },
      },
    )
    .get("/streams", ({ query }) => listStreams(services.store, "all" in query ? "all" : "live"), {
      ...access.operator,
      query: Type.Object({ all: Type.Optional(Type.String()) }, { additionalProperties: true }),
      response: { 200: StreamsAnswer, ...failures() },
      detail: operation("streams", "Live streams; with ?all=1 ended ones too"),
    })
    .get(
      "/stream/:id/status",
      ({ params }) => ({ success: true as const, stream: services.store.get(params.id).toJSON() }),
      {
        ...access.operator,
        params: ById,
        response: { 200: StreamAnswer, ...failures(400, 404) },
        detail: operation("streams", "One stream, live or ended"),
      },
    )
    .get(
      "/stream/:id/debug",
      ({ params }) => streamDebug(services.store.get(params.id), services.scheduler),
      {
        ...access.operator,
        params: ById,
        response: { 200: DebugAnswer, ...failures(400, 404) },
        detail: operation(
          "streams",
          "What goes on in a stream: last events, engine, calls, stages, queues and timings",
        ),
      },
    )
    .get(
      "/stream/:id/data",
      ({ params, request }) => streamData(services.store.get(params.id), request),
      { ...access.operator, params: ById, detail: DATA_OPERATION },
    )
    .post(
      "/stream/:id/params",
      async ({ params, request }) => {
        const stream = services.store.get(params.id);
        return changeStream(services, stream, await readJson(request));
      },
      {
        ...access.operator,
        parse: "none",
        params: ById,
        ...bodyFor<UpdateFields>(),
        response: { 200: ChangedAnswer, ...failures(400, 404, 413, 503, 504) },
        detail: {
          ...operation(
            "streams",
            "Change a running stream: present replaces, absent keeps, null resets",
          ),
          requestBody: { required: true, content: jsonContent(UpdateFields) },
        },
      },
    )
    .delete(
      "/stream/:id",
      ({ params }) => stopStream(services.store, services.store.get(params.id).id, "deleted"),
      {
        ...access.operator,
        params: ById,
        response: { 200: StopAnswer, ...failures(400, 404) },
        detail: operation("streams", "Stop a stream"),
      },
    );

/** For OpenAPI alone. */
const DATA_OPERATION = {
  ...operation(
    "streams",
    "The data outputs of a stream's model as server-sent events, 30 a second on average, until the stream ends",
  ),
  responses: {
    200: {
      description: "`dropped`: reports that this reader has missed since its last event",
      content: {
        "text/event-stream": { schema: { type: "string" as const }, example: DATA_EXAMPLE },
      },
    },
    ...failureContents(400, 404, 503),
  },
};

/** Throws `stream_not_found` for a stream that is over: EventSource asks again after an answer that ends. */
function streamData(stream: Stream, { method, signal }: Request): Response {
  if (stream.endedAt !== null)
    throw new WorkerError("stream_not_found", "the stream has ended: it has no more data");
  const reader = stream.data.open();
  // The body of an answer to HEAD is never read.
  if (method === "HEAD") reader[Symbol.dispose]();
  return dataEvents(reader, signal);
}

/** Starts a stream by the control protocol that its body calls for. */
export async function startStream(
  { starter, protocols }: StreamServices,
  body: unknown,
  request: Request,
) {
  const protocol = selectProtocol(body, protocols);
  const streamId = streamIdOf(request);
  const starting = starter.start(protocol, { body, streamId, capability: null });
  if (streamId !== null) starting.catch((error: unknown) => logRefusal(streamId, error));
  const { stream, remarks } = await starting;
  return {
    success: true as const,
    manifest_id: stream.id,
    stream: stream.toJSON(),
    ...membersOf(remarks),
    ...protocol.startAnswer(stream),
  };
}

/** A refused gateway tries the next worker, so a wrong setting shows up only in this log. */
function logRefusal(streamId: string, error: unknown): void {
  const refusal = { stream: logId(streamId), error: cut(withoutValue(reason(error)), 500) };
  if (error instanceof WorkerError && error.kind === "refused_host")
    log.warn("start refused", refusal);
  else log.info("start refused", refusal);
}

/** Updates a stream's parameters. Throws `invalid_request`, also for a stream that is over. */
export async function changeStream({ updater }: StreamServices, stream: Stream, body: unknown) {
  const remarks = await updater.apply(stream, body);
  return {
    success: true as const,
    status: "success" as const,
    manifest_id: stream.id,
    message: "Parameters updated",
    stream: stream.toJSON(),
    ...membersOf(remarks),
  };
}

/** Members of an answer, where there is anything to tell. */
const membersOf = ({ ignored, warnings }: Remarks) => ({
  ...(ignored.length > 0 ? { ignored: [...ignored] } : {}),
  ...(warnings.length > 0 ? { warnings: [...warnings] } : {}),
});

/** Stops the stream of this id, if there is one. Waits at most a second for its end, so that callers are answered. */
export async function stopStream(store: StreamStore, id: string, why: EndReason) {
  const stream = store.stop(id, why);
  if (stream !== null) await untilAborted(stream.released, AbortSignal.timeout(STOP_WAIT_MS));
  return {
    success: true as const,
    manifest_id: id,
    message: "Stream stopped successfully",
    ...(stream === null ? {} : { usage: stream.usage }),
  };
}

function listStreams(store: StreamStore, which: "live" | "all") {
  const streams = store.list(which).map((stream) => stream.toJSON());
  return { success: true as const, streams, count: streams.length };
}
