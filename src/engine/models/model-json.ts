/** The schema of `model.json`, and the checks that name every wrong field. */
import { type Static, type TObject, type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { reason, WorkerError } from "../../errors.ts";
import type { FieldProblem } from "../../field-problem.ts";
import { cut } from "../../shown-value.ts";
import { ParamValue } from "../protocol/models.ts";
import { Fit } from "../protocol/work.ts";
import { INPUT_ROLES, type Roles } from "./roles/input-roles.ts";
import { OUTPUT_ROLES } from "./roles/output-roles.ts";

/** An entry with a role, or an input that another model feeds; checked by its role. */
const Entry = Type.Object({ role: Type.Optional(Type.String()) });
const Entries = Type.Record(Type.String(), Entry);

/** The whole file; the entries of inputs and outputs are checked by their roles. */
const Description = Type.Object(
  {
    name: Type.Optional(Type.String()),
    description: Type.Optional(Type.String({ maxLength: 1000 })),
    /** As an SPDX identifier where there is one. */
    license: Type.Optional(Type.String({ maxLength: 100 })),
    homepage: Type.Optional(Type.String({ maxLength: 500 })),
    file: Type.Optional(Type.String({ minLength: 1 })),
    inputs: Type.Optional(Entries),
    outputs: Type.Optional(Entries),
    /** How a picture of another aspect ratio is scaled to a fixed size. */
    fit: Type.Optional(Fit),
    /** Named values of parameters, as a request gives them. */
    presets: Type.Optional(
      Type.Record(
        Type.String({ minLength: 1, maxLength: 64 }),
        Type.Record(
          Type.String(),
          Type.Union([ParamValue, Type.Record(Type.String(), Type.Number())]),
        ),
      ),
    ),
    run: Type.Optional(
      Type.Object(
        {
          /** Runs on every n-th frame; the frames between show its last result. */
          every: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
          /** Does not run again for a frame that equals the one before. */
          skip_unchanged: Type.Optional(Type.Boolean()),
          /** CPU threads of a run; 1 where it is absent. */
          threads: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);

/** The entry of one input or output. Fields other than the role are the role's own. */
export interface PortEntry {
  readonly role?: string;
  readonly [field: string]: unknown;
}

/** The content of a `model.json`. What the ONNX file itself states may be left out. */
export interface ModelJson extends Omit<Static<typeof Description>, "inputs" | "outputs"> {
  /** By tensor name. A tensor that is not listed gets the role that its shape suggests. */
  readonly inputs?: Readonly<Record<string, PortEntry>>;
  readonly outputs?: Readonly<Record<string, PortEntry>>;
}

/**
 * Parses and checks the text of a `model.json`. Throws `model_failed` that lists every wrong field.
 *
 * @param program what the inputs of a program that is not one network have by themselves: the file's entries change parts of
 *   it. Names that the program lacks are left to `defineModel`.
 */
export function parseModelJson(
  text: string,
  program?: Readonly<Record<string, PortEntry>>,
): ModelJson {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new WorkerError("model_failed", `model.json is not valid JSON: ${reason(error)}`);
  }
  const problems = [...check(Description, content, "")];
  if (!Value.Check(Description, content)) throw modelJsonError(problems);
  const json: ModelJson = {
    ...content,
    ...(content.inputs && { inputs: completed(withRoles(content.inputs), program) }),
    ...(content.outputs && { outputs: withRoles(content.outputs) }),
  };
  for (const [tensor, input] of Object.entries(json.inputs ?? {})) {
    if (program !== undefined && !Object.hasOwn(program, tensor)) continue;
    problems.push(...checkRole(INPUT_ROLES, input, `inputs.${tensor}`));
  }
  for (const [tensor, output] of Object.entries(json.outputs ?? {})) {
    problems.push(...checkRole(OUTPUT_ROLES, output, `outputs.${tensor}`));
  }
  if (problems.length > 0) throw modelJsonError(problems);
  return json;
}

/** A file of a megabyte may have thousands of problems, and names as long as itself. */
const MAX_LISTED = 20;
const MAX_SENTENCE = 800;

/** One error for all problems of a `model.json`, of many for the first ones. */
export function modelJsonError(problems: readonly FieldProblem[]): WorkerError {
  const listed = problems.slice(0, MAX_LISTED);
  const sentences = listed.map(({ field, problem }) =>
    cut(`${field || "(top level)"} ${problem}`, MAX_SENTENCE),
  );
  if (problems.length > MAX_LISTED) sentences.push(`and ${problems.length - MAX_LISTED} more`);
  return new WorkerError("model_failed", `model.json: ${sentences.join("; ")}`, {
    details: listed,
  });
}

/** `{ "from": … }` stands for the role `from`. */
const withRoles = (entries: Readonly<Record<string, PortEntry>>): Record<string, PortEntry> =>
  Object.fromEntries(
    Object.entries(entries).map(([tensor, entry]) => [
      tensor,
      "from" in entry && entry.role === undefined ? { role: "from", ...entry } : entry,
    ]),
  );

/** The entries with what a program's inputs have by themselves. */
const completed = (
  entries: Readonly<Record<string, PortEntry>>,
  program: Readonly<Record<string, PortEntry>> = {},
): Record<string, PortEntry> =>
  Object.fromEntries(
    Object.entries(entries).map(([tensor, entry]) => [
      tensor,
      Object.hasOwn(program, tensor) ? { ...program[tensor], ...entry } : entry,
    ]),
  );

/** Names every wrong field of an entry. */
function* checkRole(roles: Roles, entry: PortEntry, field: string): Generator<FieldProblem> {
  const { role = "" } = entry;
  const schema = Object.hasOwn(roles, role) ? roles[role]?.schema : undefined;
  if (schema === undefined) {
    const known = Object.keys(roles).join(", ");
    const given = entry.role === undefined ? "is missing" : `is ${JSON.stringify(entry.role)}`;
    yield { field: `${field}.role`, problem: `${given}; allowed: ${known}` };
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
    const value = error.value === undefined ? "is missing" : `is ${shown(error.value)}`;
    const known = Object.keys(error.schema["properties"] ?? {}).join(", ");
    yield error.message === "Unexpected property"
      ? { field: path, problem: `is an unknown field; allowed: ${known}` }
      : { field: path, problem: `${value}; ${expectation(error.schema, error.message)}` };
  }
}

/** The beginning of a value that may be long. */
function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

const MAX_SHOWN = 100;

/** Lists the members of a union, where TypeBox only says "Expected union value". */
function expectation(schema: TSchema, message: string): string {
  const choices: unknown = schema["anyOf"];
  if (!Array.isArray(choices)) return message.charAt(0).toLowerCase() + message.slice(1);
  const words = choices
    .flatMap((choice: TSchema): TSchema[] => choice["anyOf"] ?? [choice])
    .map((choice) => ("const" in choice ? JSON.stringify(choice["const"]) : wordFor(choice)));
  return `allowed: ${words.join(", ")}`;
}

const wordFor = (choice: TSchema): string => {
  if (choice["type"] === "object") return "an object";
  if (choice["type"] !== "array") return `a ${choice["type"]}`;
  return Array.isArray(choice["items"]) ? "two numbers" : "a list of numbers";
};
