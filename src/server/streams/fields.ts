/** The stream parameters as requests name them (contract.md "Stream parameters"): one schema for type, check and OpenAPI. */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { FALLBACKS, MAX_FALLBACK_NAME } from "../../engine/protocol/fallbacks.ts";
import { AudioMode, Container, Fit, Marker, OutputSide } from "../../engine/protocol/work.ts";
import { literals, nullable } from "../../schema.ts";

/** An optional field: absent keeps the value, null resets it to the default. `schema` must have `expects`. */
export const field = <T extends TSchema>(schema: T, description: string) =>
  Type.Optional(nullable(schema, { expects: schema["expects"], description }));

/** Longer texts are mistakes, and the parameters are kept as long as the stream. */
const MAX_PROMPT_CHARACTERS = 10_000;
export const MAX_PROMPTS = 64;
/** The prompts of a stream together, in bytes of UTF-8. */
export const MAX_PROMPT_BYTES = 256 * 1024;

const onePrompt = `a text of 1 to ${MAX_PROMPT_CHARACTERS} characters, {prompt, negative_prompt?, weight?} or a ComfyUI graph`;
const PromptText = Type.String({ minLength: 1, maxLength: MAX_PROMPT_CHARACTERS });
const PromptObject = Type.Object({
  prompt: Type.String({
    minLength: 1,
    maxLength: MAX_PROMPT_CHARACTERS,
    expects: `text of 1 to ${MAX_PROMPT_CHARACTERS} characters, or a ComfyUI graph, whose nodes have class_type`,
  }),
  negative_prompt: Type.Optional(Type.String({ maxLength: MAX_PROMPT_CHARACTERS })),
  weight: Type.Optional(Type.Number()),
});
/** As `withGraphs` makes them of every form in which graphs come. */
const GraphObject = Type.Object(
  { graph: Type.String({ minLength: 1 }) },
  {
    description:
      "A ComfyUI graph in API format, as JSON; the graph itself may be sent in place of this",
  },
);
const OnePrompt = Type.Union([PromptText, PromptObject, GraphObject], { expects: onePrompt });
const Prompts = Type.Union(
  [OnePrompt, Type.Array(OnePrompt, { minItems: 1, maxItems: MAX_PROMPTS })],
  { expects: `${onePrompt}, or a list of 1 to ${MAX_PROMPTS} of them` },
);

const Fps = Type.Number({ minimum: 1, maximum: 60, expects: "a number from 1 to 60" });
const Url = Type.String({
  minLength: 1,
  maxLength: 4096,
  expects: "a URL of at most 4096 characters",
});
const ModelName = Type.String({ minLength: 1, maxLength: 256, expects: "the name of a model" });
const PresetName = Type.String({ minLength: 1, maxLength: 256, expects: "the name of a preset" });
const Bitrate = Type.Integer({
  minimum: 10_000,
  maximum: 200_000_000,
  expects: "an integer from 10000 to 200000000",
});
const SegmentSeconds = Type.Number({
  minimum: 0.2,
  maximum: 30,
  expects: "a number from 0.2 to 30",
});
const FallbackName = Type.String({
  minLength: 1,
  maxLength: MAX_FALLBACK_NAME,
  expects: `one of ${FALLBACKS.join(", ")}, or the name of a picture in the workspace's fallbacks folder`,
});
/** `arrays` is an older name of `lists`. */
const DataFormat = literals(["lists", "lines", "arrays"], { expects: "one of lists, lines" });

const PROMPTS = `what to draw by: texts, or ComfyUI graphs that run one after the other; at most ${MAX_PROMPT_BYTES / 1024} KiB in all`;
const FPS = "frames a second: without input the clock's rate, with input a cap on the output's";
const MARKER =
  "a number in the picture's top left corner by which players measure delay: the time when the frame arrived here (time), or the one in the frame that came in (input)";
const PAUSED = "true: the model rests, and frames pass through untouched or fallback is shown";
const FALLBACK = `what is shown while the stream is paused, its model loads, fails or stalls: a slate (default), the input's frames (passthrough), the last output picture (hold), or a picture of the workspace; left out: frames pass through, labelled while the model loads`;
const AUDIO = "what becomes of the input's audio";

const changing = {
  prompts: field(Prompts, PROMPTS),
  prompt: field(Prompts, "alias of prompts"),
  model: field(ModelName, "a name from GET /models"),
  preset: field(
    PresetName,
    "a name from the model's presets: its parameters, under those of the same request",
  ),
  width: field(OutputSide, "output width in pixels; both or neither"),
  height: field(OutputSide, "output height in pixels; both or neither"),
  fps: field(Fps, FPS),
  max_framerate: field(Fps, "alias of fps"),
  fit: field(Fit, "how a picture of another shape is fitted"),
  bitrate: field(Bitrate, "encoder rate in bits a second"),
  paused: field(Type.Boolean({ expects: "true or false" }), PAUSED),
  fallback: field(FallbackName, FALLBACK),
  marker: field(Marker, MARKER),
};

const fixed = {
  input_url: field(Url, "trickle channel to read video from"),
  container: field(Container, "container of the output segments"),
  segment_seconds: field(SegmentSeconds, "length of a segment"),
  data_format: field(
    DataFormat,
    "an orchestrator's data channel: each line is a list of JSON texts (lists, the default) or an object (lines)",
  ),
  audio: field(AudioMode, AUDIO),
  audio_codec: field(AudioMode, "alias of audio"),
};

/** The parameters of a start, those that may change later and those that may not. Other members are the model's. */
export const StartFields = Type.Object(
  { stream_url: field(Url, "trickle channel to publish to"), ...changing, ...fixed },
  { additionalProperties: true },
);
export type StartFields = Static<typeof StartFields>;

/** The parameters of an update. */
export const UpdateFields = Type.Object(changing, { additionalProperties: true });
export type UpdateFields = Static<typeof UpdateFields>;

/** Fields that a start may have and an update may not. */
export const FIXED_FIELDS: readonly string[] = ["stream_url", ...Object.keys(fixed)];
export const CHANGING_FIELDS: readonly string[] = Object.keys(changing);
