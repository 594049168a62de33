/** Declares the fields of a session's start and update (live-runner.md 4.2): one schema for type, check and OpenAPI. */
import { type Static, Type } from "@sinclair/typebox";
import { AudioMode } from "../../../../engine/protocol/work.ts";
import { field, UpdateFields } from "../../../streams/fields.ts";
import { SessionMetadata } from "./session-metadata.ts";

const MAX_NEGATIVE_CHARACTERS = 10_000;
const MAX_IDLE_SECONDS = 86_400;

const Negative = Type.String({
  maxLength: MAX_NEGATIVE_CHARACTERS,
  expects: `a text of at most ${MAX_NEGATIVE_CHARACTERS} characters`,
});
const Mode = Type.String({
  minLength: 1,
  maxLength: 256,
  expects: "echo, or the name of a model",
});
const Radius = Type.Number({ expects: "a number" });
const Audio = Type.Union([Type.Boolean(), AudioMode], {
  expects: "true, false or one of auto, copy, opus, aac, none",
});
const SegmentSeconds = Type.Number({
  minimum: 0.2,
  maximum: 10,
  expects: "a number from 0.2 to 10",
});
const StartupLimit = Type.Number({ exclusiveMinimum: 0, expects: "a number of seconds above 0" });
const IdleTimeout = Type.Number({
  exclusiveMinimum: 0,
  maximum: MAX_IDLE_SECONDS,
  expects: `a number of seconds above 0, at most ${MAX_IDLE_SECONDS}`,
});
const Switch = Type.Boolean({ expects: "true or false" });

const changing = {
  ...Type.Omit(UpdateFields, ["paused"]).properties,
  negative_prompt: field(Negative, "what not to draw: of every prompt that has none of its own"),
  mode: field(Mode, "echo returns the input; any other word is a model's name, as `model`"),
  radius: field(Radius, "the model's parameter of this name"),
};

const fixed = {
  audio: field(Audio, "what becomes of the input's audio; true is auto, false is none"),
  audio_codec: field(AudioMode, "alias of audio"),
  segment_seconds: field(SegmentSeconds, "length of an output segment"),
  metadata: field(SessionMetadata, "labels that the usage record repeats"),
  max_startup_s: field(
    StartupLimit,
    "refuse the start if the model is expected to need more seconds to load",
  ),
  idle_timeout_s: field(IdleTimeout, "end the session after this long without input"),
  events: field(Switch, "true: also make a channel of JSON events"),
  data: field(Switch, "true: also make a channel of the model's data, as JSON lines"),
  control: field(Switch, "true: also make a channel that takes updates"),
};

/** The fields of a start. Other members are the model's own parameters. */
export const SessionStartFields = Type.Object(
  { ...changing, ...fixed },
  { additionalProperties: true },
);
export type SessionStartFields = Static<typeof SessionStartFields>;

/** The fields of an update. */
export const SessionUpdateFields = Type.Object(changing, { additionalProperties: true });
export type SessionUpdateFields = Static<typeof SessionUpdateFields>;

/** Fields of other protocols: the orchestrator makes a session's channels, and `/pause` pauses it. */
export const FOREIGN_FIELDS: readonly string[] = [
  ...["stream_url", "input_url", "container", "data_format", "paused"],
];

/** Fields that a start may have and an update may not. */
export const SESSION_FIXED_FIELDS: readonly string[] = Object.keys(fixed);
