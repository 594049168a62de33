/** Models and their parameters as an engine reports them. */
import { Type } from "@sinclair/typebox";
import { type Immutable, literals } from "../../schema.ts";

const common = { name: Type.String(), description: Type.String() };

/** A number: a slider. */
export const NumberParam = Type.Object({
  type: Type.Literal("number"),
  ...common,
  default: Type.Number(),
  min: Type.Number(),
  max: Type.Number(),
  integer: Type.Boolean(),
});
export type NumberParam = Immutable<typeof NumberParam>;

/** On or off. */
export const SwitchParam = Type.Object({
  type: Type.Literal("switch"),
  ...common,
  default: Type.Boolean(),
});
export type SwitchParam = Immutable<typeof SwitchParam>;

/** Something that happens whenever the number changes, such as the reset of a state: a button. */
export const TriggerParam = Type.Object({
  type: Type.Literal("trigger"),
  ...common,
  default: Type.Integer(),
});
export type TriggerParam = Immutable<typeof TriggerParam>;

/** A list of numbers, some or all of which have names: a choice of one entry, or a blend. */
export const VectorParam = Type.Object({
  type: Type.Literal("vector"),
  ...common,
  /** As long as the vector. */
  default: Type.Array(Type.Number()),
  min: Type.Number(),
  max: Type.Number(),
  /** Names of the entries, in order; empty where they have none. */
  entries: Type.Array(Type.String()),
  /** The model reads a blend: whatever is given is divided by its sum. */
  blend: Type.Boolean(),
  /** Exactly one entry is chosen. */
  choice: Type.Optional(Type.Boolean()),
});
export type VectorParam = Immutable<typeof VectorParam>;

/** A picture that callers upload, as a data URI. */
export const PictureParam = Type.Object({
  type: Type.Literal("picture"),
  ...common,
});
export type PictureParam = Immutable<typeof PictureParam>;

/** A parameter that callers may change while a model runs. */
export const ModelParam = Type.Union([
  NumberParam,
  SwitchParam,
  TriggerParam,
  VectorParam,
  PictureParam,
]);
export type ModelParam = Immutable<typeof ModelParam>;

/** The value of a parameter: by type a number, true or false, a number, a full list of numbers, a data URI. */
export const ParamValue = Type.Union([
  Type.Number(),
  Type.Boolean(),
  Type.Array(Type.Number()),
  Type.String(),
]);
export type ParamValue = Immutable<typeof ParamValue>;

/**
 * Names that requests use for something else, for streams or single pictures: no parameter of a model can have them.
 */
export const REQUEST_FIELDS: readonly string[] = [
  ...["prompts", "prompt", "model", "preset", "width", "height", "fps", "max_framerate", "fit"],
  ...["bitrate", "paused", "stream_url", "input_url", "container", "segment_seconds"],
  ...["data_format", "audio", "audio_codec", "marker", "fallback", "params", "image", "stream"],
];

export const ParamValues = Type.Record(Type.String(), ParamValue);
export type ParamValues = Immutable<typeof ParamValues>;

/** One model as `GET /models` shows it. */
export const ModelInfo = Type.Object({
  name: Type.String(),
  description: Type.String(),
  /** `built-in` or the folder's path below the workspace. */
  source: Type.String(),
  /** As its `model.json` states it; empty where it does not. */
  license: Type.String(),
  /** Where the network comes from, as its `model.json` states it; absent where it does not. */
  homepage: Type.Optional(Type.String()),
  state: literals(["cold", "warming", "ready", "failed"]),
  /** Why it failed, or why its changed files are not in use. */
  error: Type.Optional(Type.String()),
  /** False for models that use no video: they draw on a clock. */
  takes_video: Type.Boolean(),
  /** True for models that cannot draw without video. */
  needs_video: Type.Boolean(),
  /** False for models that no prompt changes. */
  takes_prompts: Type.Boolean(),
  device: Type.String(),
  /** The execution provider that really runs it; absent while cold. */
  execution_provider: Type.Optional(Type.String()),
  /** How long the next load should take; absent where nothing is known. */
  load_estimate_ms: Type.Optional(Type.Number({ minimum: 0 })),
  params: Type.Array(ModelParam),
  /** Named values of parameters, each a part of them. */
  presets: Type.Record(Type.String(), ParamValues),
  /** Names of the outputs that go to the data channel. */
  data: Type.Array(Type.String()),
});
export type ModelInfo = Immutable<typeof ModelInfo>;
