/** The schema of `model.json`, and the checks that name every wrong field. Roles are rows of a table. */
import { type Static, type TObject, type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { type FieldProblem, reason, WorkerError } from "../../errors.ts";
import { literals } from "../../schema.ts";
import { Fit } from "../protocol/work.ts";

const strict = { additionalProperties: false } as const;
const Layout = literals(["nchw", "nhwc", "chw", "hwc"]);
const Channels = literals(["rgb", "bgr", "gray"]);
const PixelType = literals(["float32", "float16", "uint8"]);
/** The values of black and of white in the tensor: `[0, 1]`, `[0, 255]`, `[-1, 1]` and so on. */
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

/** A number that callers may change while the stream runs. */
const ParamInput = Type.Object(
  {
    role: Type.Literal("param"),
    name: Type.Optional(Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_.-]{0,63}$" })),
    default: Type.Optional(Type.Number()),
    min: Type.Optional(Type.Number()),
    max: Type.Optional(Type.Number()),
    integer: Type.Optional(Type.Boolean()),
    /**
     * The parameter is a rate per second: the tensor gets its integral over the stream's time, so that a change
     * alters how fast something moves, and not where it is.
     */
    sum: Type.Optional(Type.Boolean()),
    description: Type.Optional(Type.String()),
  },
  strict,
);

/** Seconds since the stream began. */
const TimeInput = Type.Object({ role: Type.Literal("time") }, strict);
/** The width and height of the picture to draw, in pixels. */
const WidthInput = Type.Object({ role: Type.Literal("width") }, strict);
const HeightInput = Type.Object({ role: Type.Literal("height") }, strict);

/** The stream's prompts as the vector of controls in `prompts/controls.ts`. */
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

/** The output picture. */
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

/** The whole file; the entries of inputs and outputs are checked by their roles. */
const Description = Type.Object(
  {
    name: Type.Optional(Type.String()),
    description: Type.Optional(Type.String({ maxLength: 1000 })),
    file: Type.Optional(Type.String({ minLength: 1 })),
    inputs: Type.Optional(Type.Record(Type.String(), Type.Object({ role: Type.String() }))),
    outputs: Type.Optional(Type.Record(Type.String(), Type.Object({ role: Type.String() }))),
    /** How a picture of another aspect ratio is scaled to a fixed size. */
    fit: Type.Optional(Fit),
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

/** The content of a `model.json`. What the ONNX file itself states may be left out. */
export interface ModelJson extends Omit<Static<typeof Description>, "inputs" | "outputs"> {
  /** By tensor name. A tensor that is not listed gets the role that its shape suggests. */
  readonly inputs?: Readonly<Record<string, ModelInput>>;
  readonly outputs?: Readonly<Record<string, ImageOutput>>;
}

/** Parses and checks the text of a `model.json`. Throws `model_failed` that lists every wrong field. */
export function parseModelJson(text: string): ModelJson {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new WorkerError("model_failed", `model.json is not valid JSON: ${reason(error)}`);
  }
  const problems = [...check(Description, content, "")];
  if (Value.Check(Description, content)) {
    for (const [tensor, input] of Object.entries(content.inputs ?? {})) {
      problems.push(...checkRole(INPUT_ROLES, input, `inputs.${tensor}`));
    }
    for (const [tensor, output] of Object.entries(content.outputs ?? {})) {
      problems.push(...checkRole(OUTPUT_ROLES, output, `outputs.${tensor}`));
    }
  }
  if (problems.length > 0) throw modelJsonError(problems);
  return content as ModelJson; // each part was checked above
}

/** One error for all problems of a `model.json`. */
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
    const known = Object.keys(roles).join(", ");
    yield {
      field: `${field}.role`,
      problem: `is ${JSON.stringify(entry.role)}; allowed: ${known}`,
    };
    return;
  }
  yield* check(schema, entry, field);
}

function* check(schema: TObject, content: unknown, field: string): Generator<FieldProblem> {
  const seen = new Set<string>();
  for (const error of Value.Errors(schema, content)) {
    if (seen.has(error.path)) continue; // one problem per field is enough to act on
    seen.add(error.path);
    const path = [field, ...error.path.split("/")].filter((part) => part !== "").join(".");
    const value = error.value === undefined ? "is missing" : `is ${JSON.stringify(error.value)}`;
    const known = Object.keys(schema.properties).join(", ");
    yield error.message === "Unexpected property"
      ? { field: path, problem: `is an unknown field; allowed: ${known}` }
      : { field: path, problem: `${value}; ${expectation(error.schema, error.message)}` };
  }
}

/** Lists the members of a union, where TypeBox only says "Expected union value". */
function expectation(schema: TSchema, message: string): string {
  const choices: unknown = schema["anyOf"];
  if (!Array.isArray(choices)) return message.toLowerCase();
  const words = choices.map((choice: TSchema) =>
    "const" in choice ? JSON.stringify(choice["const"]) : "[width, height]",
  );
  return `allowed: ${words.join(", ")}`;
}
