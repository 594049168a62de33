/** What routes of the server itself answer: its health, models, registrations and versions. */
import { type Static, Type } from "@sinclair/typebox";
import { ModelInfo } from "../../../engine/protocol/models.ts";
import { literals, nullable } from "../../../schema.ts";
import { HEALTH_CHECKS } from "../../health.ts";
import { RegistrationView } from "../../registration-view.ts";
import { StreamObject } from "./stream-answers.ts";
import { success } from "./success.ts";

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
