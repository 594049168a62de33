/** Hides nothing: what the JSON routes answer, for checking and for OpenAPI. */
import { type TSchema, Type } from "@sinclair/typebox";
import { literals } from "../../literals.ts";

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);
const Percentiles = Type.Object({
  p50: nullable(Type.Number()),
  p95: nullable(Type.Number()),
  p99: nullable(Type.Number()),
});

export const StreamObject = Type.Object({
  manifest_id: Type.String(),
  stream_url: nullable(Type.String()),
  created_at: Type.String(),
  status: literals(["starting", "active", "stopping", "stopped", "error"]),
  metadata: Type.Object({
    width: nullable(Type.Integer()),
    height: nullable(Type.Integer()),
    prompts: Type.Optional(Type.Array(Type.Object({ prompt: Type.String() }))),
    capability: Type.Optional(Type.String()),
  }),
  error: Type.Optional(Type.String()),
  stats: Type.Object({
    fps_in: Type.Number(),
    fps_out: Type.Number(),
    frames_in: Type.Integer(),
    frames_out: Type.Integer(),
    frames_dropped: Type.Integer(),
    segments_out: Type.Integer(),
    segments_skipped: Type.Integer(),
    bytes_out: Type.Integer(),
    restarts: Type.Integer(),
    latency_ms: Percentiles,
    inference_ms: Percentiles,
    model: Type.String(),
    device: nullable(Type.String()),
    execution_provider: nullable(Type.String()),
  }),
});

const success = { success: Type.Literal(true) };
const Ignored = Type.Optional(
  Type.Array(Type.String(), { description: "members that nobody here knows" }),
);

export const StreamAnswer = Type.Object({ ...success, stream: StreamObject });
export const ChangedAnswer = Type.Object({
  ...success,
  status: Type.Literal("success"),
  manifest_id: Type.String(),
  message: Type.String(),
  stream: StreamObject,
  ignored: Ignored,
});
export const StartAnswer = Type.Object({
  ...success,
  manifest_id: Type.String(),
  stream: StreamObject,
  ignored: Ignored,
  status: Type.Optional(Type.Literal("success")),
  message: Type.Optional(Type.String()),
  request_id: Type.Optional(Type.String()),
  current_state: Type.Optional(Type.String()),
});
export const StopAnswer = Type.Object({
  ...success,
  status: Type.Optional(Type.Literal("success")),
  manifest_id: Type.Optional(Type.String()),
  message: Type.String(),
});
export const StreamsAnswer = Type.Object({
  ...success,
  streams: Type.Array(StreamObject),
  count: Type.Integer(),
});

export const ModelsAnswer = Type.Object({
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
});

export const HealthAnswer = Type.Object({
  status: literals(["LOADING", "IDLE", "OK", "ERROR"]),
  healthy: Type.Boolean(),
  active_streams: Type.Integer(),
  capacity: Type.Integer(),
  timestamp: Type.String(),
  version: Type.String(),
  engines: Type.Array(Type.Unknown()),
});

export const VersionAnswer = Type.Object({
  ...success,
  pipeline: Type.String(),
  model_id: Type.String(),
  version: Type.String(),
});

/** Every error answer. */
export const ErrorAnswer = Type.Object({
  success: Type.Literal(false),
  status: Type.Literal("error"),
  code: Type.String(),
  error: Type.String(),
  message: Type.String(),
  details: Type.Optional(Type.Array(Type.Object({ field: Type.String(), problem: Type.String() }))),
});

/** The error answers of a route, for OpenAPI. */
export const failures = { 400: ErrorAnswer, 404: ErrorAnswer, 503: ErrorAnswer };

/** A JSON body in OpenAPI's words, for what Elysia does not check itself. */
export const jsonContent = (schema: TSchema) => ({
  // biome-ignore lint/suspicious/noExplicitAny: TypeBox makes JSON Schema 2020-12, OpenAPI's typings know 3.0's subset
  "application/json": { schema: schema as any },
});
