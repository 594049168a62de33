/** Hides how streams are managed by their ids: the seed's routes. */
import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { reason, WorkerError } from "../../errors.ts";
import { getLogger, logId } from "../../log.ts";
import { untilAborted } from "../../streams/until-aborted.ts";
import type { EngineScheduler } from "../engines/scheduler.ts";
import { cut } from "../field-errors.ts";
import { StartFields, UpdateFields } from "../streams/fields.ts";
import type { StreamStarter } from "../streams/start.ts";
import type { StreamStore } from "../streams/store.ts";
import type { Stream } from "../streams/stream.ts";
import type { StreamUpdater } from "../streams/update.ts";
import { jsonBody } from "./json-body.ts";
import {
  ChangedAnswer,
  failures,
  jsonContent,
  operation,
  StartAnswer,
  StopAnswer,
  StreamAnswer,
  StreamsAnswer,
} from "./schemas.ts";
import { streamIdOf } from "./stream-id.ts";

export interface StreamServices {
  readonly pool: EngineScheduler;
  readonly store: StreamStore;
  readonly starter: StreamStarter;
  readonly updater: StreamUpdater;
}

const STOP_WAIT_MS = 1000;
const log = getLogger("http");
const ById = Type.Object({ id: Type.String({ minLength: 1, maxLength: 256 }) });

export const streamRoutes = (services: StreamServices) =>
  new Elysia({ name: "stream-routes" })
    .use(jsonBody)
    .post("/stream/start", ({ body, request }) => startStream(services, body, request), {
      parse: "limited",
      // No `body`: it is checked where it is read, as orchestrators send other members than the seed's callers.
      response: { 200: StartAnswer, ...failures(400, 413, 503) },
      detail: {
        ...operation("streams", "Start a stream, in seed mode or for an orchestrator"),
        requestBody: { required: true, content: jsonContent(StartFields) },
      },
    })
    .get("/streams", ({ query }) => listStreams(services.store, "all" in query), {
      query: Type.Object({ all: Type.Optional(Type.String()) }, { additionalProperties: true }),
      response: { 200: StreamsAnswer, ...failures() },
      detail: operation("streams", "Live streams; with ?all=1 ended ones too"),
    })
    .get(
      "/stream/:id/status",
      ({ params }) => ({ success: true as const, stream: services.store.get(params.id).toJSON() }),
      {
        params: ById,
        response: { 200: StreamAnswer, ...failures(404) },
        detail: operation("streams", "One stream, live or ended"),
      },
    )
    .post(
      "/stream/:id/params",
      ({ params, body }) => changeStream(services, services.store.get(params.id), body),
      {
        parse: "limited",
        params: ById,
        response: { 200: ChangedAnswer, ...failures(400, 404, 413) },
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
      async ({ params }) => {
        const { id } = services.store.get(params.id);
        await stopStream(services.store, id);
        return { success: true as const, manifest_id: id, message: "Stream stopped successfully" };
      },
      {
        params: ById,
        response: { 200: StopAnswer, ...failures(404) },
        detail: operation("streams", "Stop a stream"),
      },
    );

/** A start in either mode; an orchestrator's caller gets pytrickle's members as well. */
export async function startStream({ starter }: StreamServices, body: unknown, request: Request) {
  const streamId = streamIdOf(request);
  const started = starter.start({ body, streamId, capability: null });
  if (streamId !== null) started.catch((error: unknown) => tellRefusal(streamId, error));
  const { record, ignored } = await started;
  const network = {
    status: "success" as const,
    message: "Stream started",
    request_id: record.id,
    current_state: "OK",
  };
  return {
    success: true as const,
    manifest_id: record.id,
    stream: record.toJSON(),
    ...(ignored.length > 0 ? { ignored: [...ignored] } : {}),
    ...(record.spec.owns_output ? {} : network),
  };
}

/** What a gateway does with a refusal is go elsewhere: of a setting that is wrong nobody hears but the log. */
function tellRefusal(streamId: string, error: unknown): void {
  const refusal = { stream: logId(streamId), error: cut(reason(error), 500) };
  if (error instanceof WorkerError && error.kind === "refused_host")
    log.warn("start refused", refusal);
  else log.info("start refused", refusal);
}

/** Throws `invalid_request` for a stream that is over: there is nothing to change. */
export async function changeStream({ updater }: StreamServices, record: Stream, body: unknown) {
  const ignored = await updater.apply(record, body);
  return {
    success: true as const,
    status: "success" as const,
    manifest_id: record.id,
    message: "Parameters updated",
    stream: record.toJSON(),
    ...(ignored.length > 0 ? { ignored: [...ignored] } : {}),
  };
}

/** Answers callers within a second, though the last of a stream may take longer to go. */
export async function stopStream(store: StreamStore, id: string): Promise<void> {
  const record = store.stop(id);
  if (record !== null) await untilAborted(record.ended, AbortSignal.timeout(STOP_WAIT_MS));
}

function listStreams(store: StreamStore, all: boolean) {
  const streams = store.list(all ? "all" : "live").map((record) => record.toJSON());
  return { success: true as const, streams, count: streams.length };
}
