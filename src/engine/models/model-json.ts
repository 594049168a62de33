/** The schema of `model.json`, and the sentences for what is wrong with one. Roles are a table: a new one is a new row. */
import { type Static, type TObject, type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { type FieldProblem, WorkerError } from "../../errors.ts";

const strict = { additionalProperties: false } as const;
const Layout = Type.Union(
  (["nchw", "nhwc", "chw", "hwc"] as const).map((name) => Type.Literal(name)),
);
const Channels = Type.Union((["rgb", "bgr", "gray"] as const).map((name) => Type.Literal(name)));
const PixelType = Type.Union(
  (["float32", "float16", "uint8"] as const).map((name) => Type.Literal(name)),
);
/** What black and white are in the tensor: `[0, 1]`, `[0, 255]`, `[-1, 1]`, … */
const Range = Type.Tuple([Type.Number(), Type.Number()]);
const PerChannel = Type.Array(Type.Number(), { minItems: 1, maxItems: 3 });
const Pixels = Type.Integer({ minimum: 1, maximum: 8192 });

/**
 * The video frame. A sample is `(range value − mean) / std`, mean and std in the tensor's channel
 * order; a fixed `size` is `[width, height]`.
 */
const FrameInput = Type.Object(
  {
    role: Type.Literal("frame"),
    layout: Type.Optional(Layout),
    channels: Type.Optional(Channels),
    dtype: Type.Optional(PixelType),
    range: Type.Optional(Range),
    mean: Type.Optional(PerChannel),
    std: Type.Optional(PerChannel),
    size: Type.Optional(Type.Union([Type.Literal("free"), Type.Tuple([Pixels, Pixels])])),
    multiple_of: Type.Optional(Type.Integer({ minimum: 1, maximum: 256 })),
  },
  strict,
);

/** A number that callers set while the stream runs. */
const ParamInput = Type.Object(
  {
    role: Type.Literal("param"),
    name: Type.Optional(Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_.-]{0,63}$" })),
    default: Type.Optional(Type.Number()),
    min: Type.Optional(Type.Number()),
    max: Type.Optional(Type.Number()),
    integer: Type.Optional(Type.Boolean()),
    /**
     * The parameter is a rate, a second: the tensor gets its sum over the stream's time, so that a
     * change alters how fast something moves and not where it is.
     */
    sum: Type.Optional(Type.Boolean()),
    description: Type.Optional(Type.String()),
  },
  strict,
);

/** Seconds since the stream's start. */
const TimeInput = Type.Object({ role: Type.Literal("time") }, strict);
/** The size that the picture is to have, in pixels. */
const WidthInput = Type.Object({ role: Type.Literal("width") }, strict);
const HeightInput = Type.Object({ role: Type.Literal("height") }, strict);

/** The stream's prompts, as the vector of controls that `prompts/controls.ts` lists. */
const TextInput = Type.Object(
  { role: Type.Literal("text"), encoder: Type.Literal("lexicon") },
  strict,
);

const INPUT_ROLES = {
  frame: FrameInput,
  param: ParamInput,
  time: TimeInput,
  width: WidthInput,
  height: HeightInput,
  text: TextInput,
} as const;

/** The picture that comes out. */
const ImageOutput = Type.Object(
  {
    role: Type.Literal("image"),
    layout: Type.Optional(Layout),
    channels: Type.Optional(Channels),
    dtype: Type.Optional(PixelType),
    range: Type.Optional(Range),
  },
  strict,
);

const OUTPUT_ROLES = { image: ImageOutput } as const;

const Folder = Type.Object(
  {
    name: Type.Optional(Type.String()),
    description: Type.Optional(Type.String({ maxLength: 1000 })),
    file: Type.Optional(Type.String({ minLength: 1 })),
    inputs: Type.Optional(Type.Record(Type.String(), Type.Object({ role: Type.String() }))),
    outputs: Type.Optional(Type.Record(Type.String(), Type.Object({ role: Type.String() }))),
    /** How a picture of another shape is brought to a fixed size. */
    fit: Type.Optional(
      Type.Union((["cover", "contain", "stretch"] as const).map((name) => Type.Literal(name))),
    ),
  },
  strict,
);

export type Layout = Static<typeof Layout>;
export type Channels = Static<typeof Channels>;
export type PixelType = Static<typeof PixelType>;
export type FrameInput = Static<typeof FrameInput>;
export type TextInput = Static<typeof TextInput>;
export type ParamInput = Static<typeof ParamInput>;
export type ImageOutput = Static<typeof ImageOutput>;
export type ModelInput = Static<(typeof INPUT_ROLES)[keyof typeof INPUT_ROLES]>;

/** A model described by its owner. All that the ONNX file itself tells may be left out. */
export interface ModelJson extends Omit<Static<typeof Folder>, "inputs" | "outputs"> {
  /** By tensor name; a tensor not named here gets the role its shape suggests. */
  readonly inputs?: Readonly<Record<string, ModelInput>>;
  readonly outputs?: Readonly<Record<string, ImageOutput>>;
}

/** Checks the content of a `model.json`. Throws `model_failed` with every problem by field. */
export function parseModelJson(text: string): ModelJson {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new WorkerError("model_failed", `model.json is not JSON: ${String(error)}`);
  }
  const problems = [...check(Folder, content, "")];
  if (Value.Check(Folder, content)) {
    for (const [tensor, input] of Object.entries(content.inputs ?? {})) {
      problems.push(...checkRole(INPUT_ROLES, input, `inputs.${tensor}`));
    }
    for (const [tensor, output] of Object.entries(content.outputs ?? {})) {
      problems.push(...checkRole(OUTPUT_ROLES, output, `outputs.${tensor}`));
    }
  }
  if (problems.length > 0) throw modelJsonError(problems);
  return content as ModelJson; // every part was checked above, member by member
}

/** One error for all that is wrong in a `model.json`. */
export function modelJsonError(problems: readonly FieldProblem[]): WorkerError {
  const sentences = problems.map(({ field, problem }) => `${field || "(top level)"} ${problem}`);
  return new WorkerError("model_failed", `model.json: ${sentences.join("; ")}`, {
    details: problems,
  });
}

function* checkRole(
  roles: Readonly<Record<string, TObject>>,
  entry: { role: string },
  field: string,
): Generator<FieldProblem> {
  const schema = Object.hasOwn(roles, entry.role) ? roles[entry.role] : undefined;
  if (schema === undefined) {
    yield {
      field: `${field}.role`,
      problem: `is ${JSON.stringify(entry.role)}; it can be ${Object.keys(roles).join(", ")}`,
    };
    return;
  }
  yield* check(schema, entry, field);
}

function* check(schema: TObject, content: unknown, field: string): Generator<FieldProblem> {
  const seen = new Set<string>();
  for (const error of Value.Errors(schema, content)) {
    if (seen.has(error.path)) continue; // one problem a member is enough to act on
    seen.add(error.path);
    const path = [field, ...error.path.split("/")].filter((part) => part !== "").join(".");
    const got = error.value === undefined ? "is missing" : `is ${JSON.stringify(error.value)}`;
    const known = Object.keys(schema.properties).join(", ");
    yield error.message === "Unexpected property"
      ? { field: path, problem: `is not known here; known are ${known}` }
      : { field: path, problem: `${got}; ${expectation(error.schema, error.message)}` };
  }
}

/** Unions of words are listed: TypeBox only says "Expected union value". */
function expectation(schema: TSchema, message: string): string {
  const choices: unknown = schema["anyOf"];
  if (!Array.isArray(choices)) return message.toLowerCase();
  const words = choices.map((choice: TSchema) =>
    "const" in choice ? JSON.stringify(choice["const"]) : "[width, height]",
  );
  return `it can be ${words.join(", ")}`;
}
