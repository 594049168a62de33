/** Hides the wire form of stream parameters (contract.md "Stream parameters"): one schema for type, check and OpenAPI. */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { literals } from "../../schema.ts";

/** Absent keeps, null resets to the default: every field may be either. */
const field = <T extends TSchema>(schema: T, expects: string, description: string) =>
  Type.Optional(Type.Union([schema, Type.Null()], { expects, description }));

const size = (name: string) =>
  field(
    Type.Integer({ minimum: 64, maximum: 4096, multipleOf: 2 }),
    "an even integer from 64 to 4096",
    `output ${name} in pixels; both or neither`,
  );

/** More is no prompt but a mistake, and what a stream holds is kept for as long as its history. */
const MAX_PROMPT_CHARACTERS = 10_000;
const MAX_PROMPTS = 64;
const Url = Type.String({ minLength: 1, maxLength: 4096 });

const PromptText = Type.String({ minLength: 1, maxLength: MAX_PROMPT_CHARACTERS });
const PromptObject = Type.Object({
  prompt: PromptText,
  negative_prompt: Type.Optional(Type.String({ maxLength: MAX_PROMPT_CHARACTERS })),
  weight: Type.Optional(Type.Number()),
});
const onePrompt = `a text of 1 to ${MAX_PROMPT_CHARACTERS} characters or {prompt, negative_prompt?, weight?}`;
const OnePrompt = Type.Union([PromptText, PromptObject], { expects: onePrompt });
const Prompts = field(
  Type.Union([OnePrompt, Type.Array(OnePrompt, { minItems: 1, maxItems: MAX_PROMPTS })]),
  `${onePrompt}, or a list of 1 to ${MAX_PROMPTS} of them`,
  "what to draw",
);
const Fps = field(
  Type.Number({ minimum: 1, maximum: 60 }),
  "a number from 1 to 60",
  "the clock's rate without input, a cap with",
);
const audio = (description: string) =>
  field(
    literals(["auto", "copy", "opus", "aac", "none"]),
    "one of auto, copy, opus, aac, none",
    description,
  );

const changing = {
  prompts: Prompts,
  prompt: Prompts,
  model: field(
    Type.String({ minLength: 1, maxLength: 256 }),
    "the name of a model",
    "a name from GET /models",
  ),
  width: size("width"),
  height: size("height"),
  fps: Fps,
  max_framerate: Fps,
  fit: field(
    literals(["cover", "contain", "stretch"]),
    "one of cover, contain, stretch",
    "how a picture of another shape is fitted",
  ),
  bitrate: field(
    Type.Integer({ minimum: 10_000, maximum: 200_000_000 }),
    "an integer from 10000 to 200000000",
    "encoder rate in bits a second",
  ),
  paused: field(Type.Boolean(), "true or false", "true: frames pass through untouched"),
};

const fixed = {
  input_url: field(Url, "a URL of at most 4096 characters", "trickle channel to read video from"),
  container: field(
    literals(["fmp4", "mpegts"]),
    "one of fmp4, mpegts",
    "form of the output segments",
  ),
  segment_seconds: field(
    Type.Number({ minimum: 0.2, maximum: 30 }),
    "a number from 0.2 to 30",
    "length of a segment",
  ),
  data_format: field(
    literals(["lists", "lines", "arrays"]),
    "one of lists, lines",
    "form of an orchestrator's data channel: a line is a list of JSON texts (default, also named arrays), or an object",
  ),
  audio: audio("what becomes of the sound"),
  audio_codec: audio("alias of audio"),
};

/** Parameters of a start: both those that may change and those that may not. Members it does not name are the model's. */
export const StartFields = Type.Object(
  {
    stream_url: field(Url, "a URL of at most 4096 characters", "trickle channel to publish to"),
    ...changing,
    ...fixed,
  },
  { additionalProperties: true },
);
export type StartFields = Static<typeof StartFields>;

/** Parameters of an update. */
export const UpdateFields = Type.Object(changing, { additionalProperties: true });
export type UpdateFields = Static<typeof UpdateFields>;

/** Members that a start may hold and an update may not. */
export const FIXED_FIELDS: readonly string[] = ["stream_url", ...Object.keys(fixed)];
export const CHANGING_FIELDS: readonly string[] = Object.keys(changing);
