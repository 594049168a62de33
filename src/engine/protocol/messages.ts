/** All messages between the server and an engine over IPC: small JSON, and the picture files of batch jobs. */

import { Type } from "@sinclair/typebox";
import { PlainError } from "../../errors.ts";
import { LOG_FORMATS, LOG_LEVELS } from "../../log.ts";
import { type Immutable, literals } from "../../schema.ts";
import { EngineMetrics } from "./metrics.ts";
import { ModelInfo, ParamValues } from "./models.ts";
import { ParamsUpdate } from "./params-update.ts";
import { Showing } from "./showing.ts";
import { EngineCensus, StreamStats } from "./stats.ts";
import {
  Checkpoint,
  GraphUse,
  ImageResult,
  ImageStep,
  Prompt,
  Revision,
  Size,
  WorkOrder,
} from "./work.ts";

/** The configuration of an engine, sent first. Secrets never travel in the environment. */
export const EngineOptions = Type.Object({
  /** `cpu`, `cuda:0`, `tensorrt:0`, … */
  device: Type.String(),
  workspace: Type.String(),
  frame_queue: Type.Integer(),
  max_frame_age_ms: Type.Number(),
  /** Frames a model runs at once at most; 0: as many as warm-up found to pay. */
  max_batch: Type.Integer({ minimum: 0 }),
  /** Bytes of loaded models beyond which the least recently used one is unloaded; absent: no limit. */
  model_memory: Type.Optional(Type.Integer({ minimum: 1 })),
  /** A ComfyUI of the operator's, which runs graphs that cannot run here; may hold a password. */
  comfyui_url: Type.Optional(Type.String()),
  log_level: literals(LOG_LEVELS),
  log_format: literals(LOG_FORMATS),
});
export type EngineOptions = Immutable<typeof EngineOptions>;

const Id = Type.String();
/** Names one piece of work in one engine; never 0 and never used twice there, whereas a stream's id may be. */
const WorkNumber = Type.Integer({ minimum: 1 });

/** What a server asks an engine without starting work. */
export const Question = Type.Union([
  /**
   * Can these ComfyUI graphs run? An error says why not; the answer is what is wrong with parts that do not
   * (`FieldProblem[]`). They are tried at this size, unless that takes long.
   */
  Type.Object({
    kind: Type.Literal("graphs"),
    graphs: Type.Array(Type.String()),
    use: GraphUse,
    size: Size,
  }),
  /**
   * Can this model draw by these texts? An error says why not; the answer is what it leaves out of them
   * (`FieldProblem[]`).
   */
  Type.Object({
    kind: Type.Literal("texts"),
    model: Type.String(),
    prompts: Type.Array(Prompt),
    model_params: ParamValues,
  }),
  /** Is this model known to be broken? An error says why; the answer is an empty list. */
  Type.Object({ kind: Type.Literal("model"), model: Type.String() }),
  /** Can this picture of the workspace be shown as a fallback? An error says why not; the answer is an empty list. */
  Type.Object({ kind: Type.Literal("fallback"), name: Type.String() }),
  /** What is the operator's ComfyUI like? The answer is a `ComfyReport`, or null where there is none. */
  Type.Object({ kind: Type.Literal("comfyui") }),
  /** The present state of a stream's pipeline: a `PipelineDebug`. */
  Type.Object({ kind: Type.Literal("pipeline"), number: WorkNumber }),
  /** The node classes that run here, in the form of ComfyUI's `object_info`. */
  Type.Object({ kind: Type.Literal("nodes") }),
]);
export type Question = Immutable<typeof Question>;

/** Server → engine. */
export const ToEngine = Type.Union([
  Type.Object({ type: Type.Literal("init"), options: EngineOptions }),
  Type.Object({ type: Type.Literal("start"), id: Id, number: WorkNumber, order: WorkOrder }),
  /** For streams. */
  Type.Object({
    type: Type.Literal("update"),
    number: WorkNumber,
    revision: Revision,
    ...ParamsUpdate.properties,
  }),
  /** `ended` answers within seconds. What cannot be interrupted then finishes in the background. */
  Type.Object({ type: Type.Literal("stop"), number: WorkNumber }),
  /** `answer` answers, with the same number. */
  Type.Object({ type: Type.Literal("ask"), number: Type.Integer(), question: Question }),
  /** Read the workspace's folders again; `models` answers, with the same number. */
  Type.Object({ type: Type.Literal("models"), number: Type.Integer() }),
  Type.Object({ type: Type.Literal("ping") }),
  Type.Object({ type: Type.Literal("shutdown") }),
]);
export type ToEngine = Immutable<typeof ToEngine>;

/** One value of a data output. Its numbers are in plain lists, not in typed arrays. */
export const DataValue = Type.Union([
  Type.Array(Type.Number()),
  /** The most likely labels first. */
  Type.Array(Type.Object({ label: Type.String(), score: Type.Number() })),
  /** Anything that JSON can hold. */
  Type.Record(Type.String(), Type.Unknown()),
]);
export type DataValue = Immutable<typeof DataValue>;

/** Bytes of a `DataReport` as JSON; the server drops longer ones. */
export const MAX_DATA_BYTES = 64 * 1024;

/** What a model says about one frame: the values of its data outputs. Reports may come for every frame. */
export const DataReport = Type.Object({
  type: Type.Literal("data"),
  id: Id,
  /** Media time of the frame on the output's timeline, in seconds. */
  seconds: Type.Number(),
  model: Type.String(),
  /** By the names in `ModelInfo.data`. */
  values: Type.Record(Type.String(), DataValue),
});
export type DataReport = Immutable<typeof DataReport>;

/** Sent when the first frame comes out, when a model starts or stops loading before it, when a stream is paused or resumed, and at every other change. */
export const ShowingReport = Type.Object({
  type: Type.Literal("showing"),
  id: Id,
  ...Showing.properties,
});

/** What an engine reports of one piece of work. */
export const WorkReport = Type.Union([
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
  /** A frame made with these parameters has left inference. */
  Type.Object({ type: Type.Literal("updated"), id: Id, revision: Revision }),
  /** These parameters cannot be used, for which a `trouble` gives the reason; the ones before stay in use. */
  Type.Object({ type: Type.Literal("refused"), id: Id, revision: Revision }),
  /** Something went wrong and the stream continues degraded (a model that failed: frames pass through). */
  Type.Object({ type: Type.Literal("trouble"), id: Id, error: PlainError }),
  /** The last `trouble` is over. */
  Type.Object({ type: Type.Literal("recovered"), id: Id }),
  ShowingReport,
  DataReport,
  /** The picture has reached this step. */
  Type.Object({ type: Type.Literal("step"), id: Id, step: ImageStep }),
  /** The picture is made; `ended` follows. */
  Type.Object({ type: Type.Literal("made"), id: Id, result: ImageResult }),
  /**
   * The stream's input has ended and its adopted output is still there, so it was the input's sender who ended it: whoever
   * takes both channels away closes them together. `ended` follows once the output is deleted.
   */
  Type.Object({ type: Type.Literal("finished"), id: Id }),
  /** The last report. Without `error` the input ended, the picture was made, or the work was asked to stop. */
  Type.Object({ type: Type.Literal("ended"), id: Id, error: Type.Optional(PlainError) }),
]);
export type WorkReport = Immutable<typeof WorkReport>;

/** Engine → server. */
export const FromEngine = Type.Union([
  /** The process listens: send `init`. */
  Type.Object({ type: Type.Literal("hello") }),
  /** Set-up is over; work may start. */
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
  Type.Object({
    type: Type.Literal("models"),
    number: Type.Integer(),
    models: Type.Array(ModelInfo),
  }),
  /** Answer to `ask`. */
  Type.Object({
    type: Type.Literal("answer"),
    number: Type.Integer(),
    value: Type.Unknown(),
    error: Type.Optional(PlainError),
  }),
  /** Answer to `ping`. */
  Type.Object({ type: Type.Literal("pong"), live: EngineCensus }),
  /** Sent every second. */
  Type.Object({ type: Type.Literal("metrics"), metrics: EngineMetrics }),
  Type.Object({ type: Type.Literal("report"), number: WorkNumber, report: WorkReport }),
]);
export type FromEngine = Immutable<typeof FromEngine>;
