/** Hides nothing: what the JSON routes answer, for checking and for OpenAPI. */
import { type TSchema, Type } from "@sinclair/typebox";
import { OutputSide, Prompt, StreamParams } from "../../engine/protocol/work.ts";
import { literals } from "../../schema.ts";
import { StreamFigures } from "../streams/counters.ts";

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

export const StreamObject = Type.Object({
  manifest_id: Type.String(),
  stream_url: nullable(Type.String({ description: "null for an orchestrator's stream" })),
  input_url: nullable(Type.String({ description: "null without input and for an orchestrator's" })),
  created_at: Type.String(),
  status: literals(["starting", "active", "stopping", "stopped", "error"]),
  metadata: Type.Object({
    width: nullable(Type.Integer()),
    height: nullable(Type.Integer()),
    prompts: Type.Optional(Type.Array(Prompt)),
    capability: Type.Optional(Type.String()),
  }),
  params: Type.Object(
    {
      ...Type.Omit(StreamParams, ["prompts", "size", "model_params"]).properties,
      width: Type.Optional(OutputSide),
      height: Type.Optional(OutputSide),
    },
    { additionalProperties: true, description: "the parameters as members of a start body" },
  ),
  error: Type.Optional(Type.String()),
  stats: StreamFigures,
});

const success = { success: Type.Literal(true) };
const Ignored = Type.Optional(
  Type.Array(Type.String(), { description: "members that nobody here knows" }),
);

export const StreamAnswer = Type.Object(
  { ...success, stream: StreamObject },
  { description: "the stream" },
);
export const ChangedAnswer = Type.Object(
  {
    ...success,
    status: Type.Literal("success"),
    manifest_id: Type.String(),
    message: Type.String(),
    stream: StreamObject,
    ignored: Ignored,
  },
  { description: "the stream as it is from now on" },
);
export const StartAnswer = Type.Object(
  {
    ...success,
    manifest_id: Type.String(),
    stream: StreamObject,
    ignored: Ignored,
    status: Type.Optional(Type.Literal("success")),
    message: Type.Optional(Type.String()),
    request_id: Type.Optional(Type.String()),
    current_state: Type.Optional(Type.String()),
  },
  { description: "the stream is taken on; in seed mode its channel has accepted it" },
);
export const StopAnswer = Type.Object(
  {
    ...success,
    status: Type.Optional(Type.Literal("success")),
    manifest_id: Type.Optional(Type.String()),
    message: Type.String(),
  },
  { description: "it has ended, or does within seconds" },
);
export const StreamsAnswer = Type.Object(
  {
    ...success,
    streams: Type.Array(StreamObject),
    count: Type.Integer(),
  },
  { description: "the streams" },
);

export const ModelsAnswer = Type.Object(
  {
    ...success,
    models: Type.Array(
      Type.Object(
        {
          name: Type.String(),
          source: Type.String(),
          state: Type.String(),
          device: Type.String(),
          params: Type.Array(Type.Object({ name: Type.String() }, { additionalProperties: true })),
        },
        { additionalProperties: true },
      ),
    ),
    count: Type.Integer(),
  },
  { description: "the models, as the engines just read them" },
);

export const HealthAnswer = Type.Object(
  {
    status: literals(["LOADING", "IDLE", "OK", "ERROR"]),
    healthy: Type.Boolean(),
    active_streams: Type.Integer(),
    capacity: Type.Integer(),
    timestamp: Type.String(),
    version: Type.String(),
    engines: Type.Array(Type.Unknown()),
  },
  { description: "how the server is" },
);

/** Where a single stream is asked for by its header, or none: what pytrickle's callers read. */
export const StateAnswer = Type.Object(
  {
    ...success,
    status: literals(["OK", "LOADING", "IDLE", "ERROR"]),
    state: literals(["OK", "LOADING", "IDLE", "ERROR"]),
    error_message: nullable(Type.String()),
    pipeline_ready: Type.Boolean(),
    startup_complete: Type.Boolean(),
    pipeline_state: Type.String(),
    active_streams: Type.Integer(),
    additional_info: Type.Object({}),
    client_active: Type.Boolean(),
    client_running: Type.Optional(Type.Boolean()),
    fps: Type.Optional(
      Type.Object({
        ingress_video_fps: Type.Number(),
        ingress_audio_fps: Type.Number(),
        egress_video_fps: Type.Number(),
        egress_audio_fps: Type.Number(),
      }),
    ),
    current_params: Type.Optional(
      Type.Object({
        subscribe_url: Type.Null(),
        publish_url: Type.Null(),
        gateway_request_id: Type.String(),
      }),
    ),
    stream: Type.Optional(StreamObject),
  },
  { description: "how the server and the stream are" },
);

export const VersionAnswer = Type.Object(
  {
    ...success,
    pipeline: Type.String(),
    model_id: Type.String(),
    version: Type.String(),
  },
  { description: "the version" },
);

const GpuFigures = Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown()));
export const HardwareInfo = Type.Object(
  { ...VersionAnswer.properties, gpu_info: GpuFigures },
  { description: "the GPUs; none on a box without NVIDIA's driver" },
);
export const HardwareStats = Type.Object(
  { ...VersionAnswer.properties, gpu_stats: GpuFigures },
  { description: "memory in bytes, utilization in per cent" },
);

export const AppVersionAnswer = Type.Object(
  { ...success, version: Type.String() },
  { description: "the version" },
);

/** Every error answer. */
export const ErrorAnswer = Type.Object({
  success: Type.Literal(false),
  status: Type.Literal("error"),
  code: Type.String(),
  error: Type.String(),
  message: Type.String(),
  details: Type.Optional(Type.Array(Type.Object({ field: Type.String(), problem: Type.String() }))),
});

/** What each failure means, wherever it comes from. */
const MEANINGS = {
  400: "something asked for is wrong; `details` names the fields",
  401: "the bearer token is not the server's",
  403: "a bearer token is required",
  404: "there is no such stream, capability or route",
  413: "the body is too large",
  503: "all places are taken, or no engine can run here; try later",
  504: "it took too long",
};

export type FailureStatus = keyof typeof MEANINGS;

/** A route's error answers. Those of a token may come from every route that wants one. */
export const failures = <S extends FailureStatus>(...statuses: readonly S[]) =>
  Object.fromEntries(
    ([401, 403, ...statuses] as const).map((status) => [
      status,
      Type.Object(ErrorAnswer.properties, { description: MEANINGS[status] }),
    ]),
  ) as Record<S | 401 | 403, typeof ErrorAnswer>; // fromEntries forgets the keys

/** How the routes are grouped in OpenAPI. */
export const TAGS = {
  streams: "Streams by their ids",
  orchestrators: "What an orchestrator and pytrickle's callers ask: streams named by X-Stream-Id",
  jobs: "Batch jobs",
  operations: "Health, versions and models",
};

/** What OpenAPI says of a route that wants a bearer token where the server has one. */
export const operation = (tag: keyof typeof TAGS, summary: string) => ({
  tags: [tag],
  summary,
  security: [{ token: [] }],
});

/** A JSON body in OpenAPI's words, for what Elysia does not check itself. */
export const jsonContent = (schema: TSchema) => ({
  // biome-ignore lint/suspicious/noExplicitAny: TypeBox makes JSON Schema 2020-12, OpenAPI's typings know 3.0's subset
  "application/json": { schema: schema as any },
});
