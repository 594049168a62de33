/** Schemas of the JSON routes' answers, for validation and for OpenAPI. */
import { type Static, type TSchema, type TUnsafe, Type } from "@sinclair/typebox";
import { ModelInfo } from "../../engine/protocol/models.ts";
import { OutputSide, Prompt, StreamParams } from "../../engine/protocol/work.ts";
import { FieldProblem } from "../../field-problem.ts";
import { literals, nullable } from "../../schema.ts";
import { HEALTH_CHECKS } from "../health.ts";
import { RegistrationView } from "../registration-view.ts";
import { StreamFigures } from "../streams/counters.ts";
import { Usage } from "../streams/usage.ts";

export const StreamObject = Type.Object({
  manifest_id: Type.String(),
  stream_url: nullable(Type.String({ description: "null for an orchestrator's stream" })),
  input_url: nullable(Type.String({ description: "null without input and for an orchestrator's" })),
  created_at: Type.String(),
  status: literals(["starting", "active", "stopping", "stopped", "error"]),
  metadata: Type.Object({
    width: nullable(Type.Integer()),
    height: nullable(Type.Integer()),
    prompts: Type.Optional(
      Type.Array(Type.Union([Prompt, Type.Record(Type.String(), Type.Unknown())])),
    ),
    capability: Type.Optional(Type.String()),
  }),
  params: Type.Object(
    {
      ...Type.Omit(StreamParams, ["prompts", "graphs", "size", "model_params"]).properties,
      width: Type.Optional(OutputSide),
      height: Type.Optional(OutputSide),
    },
    { additionalProperties: true, description: "the parameters as members of a start body" },
  ),
  pending: Type.Optional(
    Type.Object(
      { since: Type.String() },
      {
        description:
          "a change that no frame has been made with yet, such as while a model loads or a graph is compiled",
      },
    ),
  ),
  error: Type.Optional(Type.String()),
  stats: StreamFigures,
  usage: Usage,
});

const success = { success: Type.Literal(true) };
const Ignored = Type.Optional(
  Type.Array(Type.String(), { description: "unknown members, which were left out" }),
);

const Warnings = Type.Optional(
  Type.Array(FieldProblem, {
    description: "what is wrong with parts of ComfyUI graphs, which do not run",
  }),
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
    warnings: Warnings,
  },
  { description: "the stream with its new parameters" },
);
export const StartAnswer = Type.Object(
  {
    ...success,
    manifest_id: Type.String(),
    stream: StreamObject,
    ignored: Ignored,
    warnings: Warnings,
    status: Type.Optional(Type.Literal("success")),
    message: Type.Optional(Type.String()),
    request_id: Type.Optional(Type.String()),
    current_state: Type.Optional(Type.String()),
  },
  { description: "the stream was accepted; in seed mode its channel is open" },
);
export const StopAnswer = Type.Object(
  {
    ...success,
    status: Type.Optional(Type.Literal("success")),
    manifest_id: Type.Optional(Type.String()),
    message: Type.String(),
    usage: Type.Optional(Usage),
  },
  { description: "the stream has ended or will within seconds" },
);
export const StreamsAnswer = Type.Object(
  {
    ...success,
    streams: Type.Array(StreamObject),
    count: Type.Integer(),
  },
  { description: "the streams" },
);

export const NodesAnswer = Type.Record(Type.String(), Type.Unknown(), {
  description: "node classes by name, in the form of ComfyUI's /object_info",
});
export type NodesAnswer = Static<typeof NodesAnswer>;

export const ModelsAnswer = Type.Object(
  {
    ...success,
    models: Type.Unsafe<readonly ModelInfo[]>(Type.Array(ModelInfo)),
    count: Type.Integer(),
  },
  { description: "the models, just read by the engines" },
);

export const HealthQuery = Type.Object(
  {
    check: Type.Optional(
      literals(HEALTH_CHECKS, {
        description: "what decides between 200 and 503; absent: `healthy`",
      }),
    ),
  },
  { additionalProperties: true },
);

export const HealthAnswer = Type.Object(
  {
    status: literals(["LOADING", "IDLE", "OK", "ERROR"]),
    healthy: Type.Boolean({
      description: "its streams can go on: false where no engine stays alive",
    }),
    live: Type.Literal(true),
    draining: Type.Boolean({ description: "it shuts down and takes no new work" }),
    ready: Type.Boolean({
      description:
        "it takes new work; false while it drains, unaffected while an engine is replaced",
    }),
    has_capacity: Type.Boolean({
      description: "it is ready, and a further stream of the usual size has a place",
    }),
    active_streams: Type.Integer(),
    capacity: Type.Integer({
      description: "places for streams and jobs on the devices that work at the moment",
    }),
    used: Type.Integer({ description: "places that streams and jobs take" }),
    timestamp: Type.String(),
    version: Type.String(),
    engines: Type.Array(Type.Unknown()),
  },
  { description: "the state of the server" },
);

export const RegistrationsAnswer = Type.Object(
  { ...success, registrations: Type.Array(RegistrationView) },
  { description: "every capability and runner at every orchestrator" },
);

/** pytrickle's state object: of the stream that X-Stream-Id names, or of the server. */
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
  { description: "the state of the server and the stream" },
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
  { description: "the GPUs; empty without NVIDIA's driver" },
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
  details: Type.Optional(Type.Array(FieldProblem)),
});

/** The meaning of each failure, whichever route it comes from. */
const MEANINGS = {
  400: "the request is invalid; `details` names the fields",
  401: "the bearer token is not one of this server's",
  403: "this caller may not use the route: a token is missing or opens other routes, or the page's origin is not allowed",
  404: "no such stream, capability or route",
  413: "the body is too large",
  503: "all places are taken, no engine can run, or ComfyUI cannot be reached; try later",
  504: "the job, or the arrival of its body, took too long",
};

type FailureStatus = keyof typeof MEANINGS;

/** The 400 of a route that any caller may use, and which therefore has no 401 and no 403. */
export const BadQuery = Type.Object(ErrorAnswer.properties, { description: MEANINGS[400] });

/** A route's error answers: 401 and 403, which any route may give, and `statuses`. */
export const failures = <S extends FailureStatus>(...statuses: readonly S[]) =>
  Object.fromEntries(
    ([401, 403, ...statuses] as const).map((status) => [
      status,
      Type.Object(ErrorAnswer.properties, { description: MEANINGS[status] }),
    ]),
  ) as Record<S | 401 | 403, typeof ErrorAnswer>; // fromEntries forgets the keys

/** The groups of routes in OpenAPI. */
export const TAGS = {
  streams: "Streams by their ids",
  orchestrators: "For orchestrators and pytrickle's callers: streams by X-Stream-Id",
  jobs: "Batch jobs",
  operations: "Health, versions and models",
  runner: "For clients of a live-runner session, through their orchestrator",
};

/** OpenAPI details of a route that needs a bearer token where the server has one. */
export const operation = (tag: keyof typeof TAGS, summary: string) => ({
  tags: [tag],
  summary,
  security: [{ token: [] }],
});

/** Gives a route the type of its body for typed clients. There is no schema at run time: the handler reads and checks the body. */
export const bodyFor = <T>() => ({}) as { readonly body: TUnsafe<T> };

/** A JSON body in OpenAPI's form, for what Elysia does not check itself. */
export const jsonContent = (schema: TSchema) => ({
  // biome-ignore lint/suspicious/noExplicitAny: TypeBox makes JSON Schema 2020-12, OpenAPI's typings know 3.0's subset
  "application/json": { schema: schema as any },
});

/** Answers by their statuses in OpenAPI's form, for routes whose answers Elysia does not check. */
export const contents = (answers: Readonly<Record<number, TSchema>>) =>
  Object.fromEntries(
    Object.entries(answers).map(([status, schema]) => [
      status,
      { description: schema.description ?? "", content: jsonContent(schema) },
    ]),
  );

/** `failures` in that form. */
export const failureContents = (...statuses: FailureStatus[]) => contents(failures(...statuses));
