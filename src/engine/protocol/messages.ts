/** All messages between the server and an engine over IPC: small JSON, and the picture files of batch jobs. */
import { Type } from "@sinclair/typebox";
import { PlainError } from "../../errors.ts";
import { type Immutable, literals } from "../../schema.ts";
import { ModelInfo } from "./models.ts";
import { EngineCensus, StreamStats } from "./stats.ts";
import { Checkpoint, ImageJob, ImageResult, ImageStep, StreamParams, StreamSpec } from "./work.ts";

/** The configuration of an engine, sent first. Secrets never travel in the environment. */
export const EngineOptions = Type.Object({
  /** `cpu`, `cuda:0`, `tensorrt:0`, … */
  device: Type.String(),
  workspace: Type.String(),
  frame_queue: Type.Integer(),
  max_frame_age_ms: Type.Number(),
  log_level: literals(["debug", "info", "warning", "error"]),
  log_format: literals(["text", "json"]),
});
export type EngineOptions = Immutable<typeof EngineOptions>;

const Id = Type.String();

/** Server → engine. */
export const ToEngine = Type.Union([
  Type.Object({ type: Type.Literal("init"), options: EngineOptions }),
  Type.Object({
    type: Type.Literal("start"),
    id: Id,
    spec: StreamSpec,
    params: StreamParams,
    resume: Type.Optional(Checkpoint),
  }),
  Type.Object({ type: Type.Literal("update"), id: Id, params: StreamParams }),
  Type.Object({ type: Type.Literal("stop"), id: Id }),
  /** One at a time; `image` answers. */
  Type.Object({ type: Type.Literal("make"), job: Id, image: ImageJob }),
  /** The answer still comes, when the work has really ended. */
  Type.Object({ type: Type.Literal("cancel"), job: Id }),
  /** Read the workspace's folders again; `models` answers. */
  Type.Object({ type: Type.Literal("models") }),
  Type.Object({ type: Type.Literal("ping") }),
  Type.Object({ type: Type.Literal("shutdown") }),
]);
export type ToEngine = Immutable<typeof ToEngine>;

/** Engine → server. */
export const FromEngine = Type.Union([
  /** The process listens: send `init`. */
  Type.Object({ type: Type.Literal("hello") }),
  /** Set-up is over; streams may start. */
  Type.Object({
    type: Type.Literal("ready"),
    models: Type.Array(ModelInfo),
    /** The decoders and encoders that are there, as `doctor` prints them. */
    codecs: Type.Optional(Type.Array(Type.String())),
  }),
  /** Set-up cannot succeed (an asked-for device is missing): do not start it again. */
  Type.Object({ type: Type.Literal("unfit"), error: PlainError }),
  Type.Object({ type: Type.Literal("model"), model: ModelInfo }),
  /** Answer to `models`: all there are. */
  Type.Object({ type: Type.Literal("models"), models: Type.Array(ModelInfo) }),
  /** The stream's channels are there and its model exists; it need not be loaded. */
  Type.Object({ type: Type.Literal("started"), id: Id }),
  /** The output's real size, known when the first frame is. */
  Type.Object({
    type: Type.Literal("size"),
    id: Id,
    width: Type.Integer(),
    height: Type.Integer(),
  }),
  Type.Object({ type: Type.Literal("stats"), id: Id, stats: StreamStats }),
  Type.Object({ type: Type.Literal("checkpoint"), id: Id, checkpoint: Checkpoint }),
  /** A frame made with the new parameters has left inference. */
  Type.Object({ type: Type.Literal("updated"), id: Id }),
  /** Something went wrong and the stream continues degraded (a model that failed: frames pass through). */
  Type.Object({ type: Type.Literal("trouble"), id: Id, error: PlainError }),
  /** The last `trouble` is over. */
  Type.Object({ type: Type.Literal("recovered"), id: Id }),
  /** All of the stream is released. Without `error` its input ended or it was asked to stop. */
  Type.Object({ type: Type.Literal("ended"), id: Id, error: Type.Optional(PlainError) }),
  /** A job has begun this step. */
  Type.Object({ type: Type.Literal("step"), job: Id, step: ImageStep }),
  /** Answer to `make`. */
  Type.Object({
    type: Type.Literal("image"),
    job: Id,
    outcome: Type.Union([
      Type.Object({ done: Type.Literal(true), result: ImageResult }),
      Type.Object({ done: Type.Literal(false), error: PlainError }),
    ]),
  }),
  /** Answer to `ping`; also sent unasked. `quiet_ms`: silence up to this long is not a hang (a model builds). */
  Type.Object({
    type: Type.Literal("pong"),
    quiet_ms: Type.Number(),
    live: EngineCensus,
  }),
]);
export type FromEngine = Immutable<typeof FromEngine>;
