/** The command `models init`: drafts a `model.json` beside an ONNX file, and prints what to check in it. */
import { readdir, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { isModelName } from "../engine/models/model-folder.ts";
import type { PortEntry } from "../engine/models/model-json.ts";
import { describeFileError } from "../engine/models/regular-file.ts";
import { describeTensor, type TensorSignature } from "../engine/models/tensor-signature.ts";
import { textTable } from "../text-table.ts";
import type { CommandContext } from "./command.ts";
import { CommandError, UsageError } from "./failures.ts";
import { draftModelJson, type ModelDraft } from "./model-draft.ts";

const MODEL_JSON = "model.json";

export interface InitOptions {
  /** The model's name, where it is stated. */
  readonly name: string | undefined;
  /** What becomes of a `model.json` that is there already. */
  readonly existing: "keep" | "overwrite";
}

/**
 * Drafts a `model.json` for an ONNX file, or for the only one in a folder, and prints every role that it gives and
 * every field that is a guess. Throws CommandError where a `model.json` exists and is to be kept.
 */
export async function initModel(
  argument: string,
  { name, existing }: InitOptions,
  { print }: Pick<CommandContext, "print">,
): Promise<void> {
  if (name !== undefined && !isModelName(name)) {
    throw new UsageError(
      `--name is ${JSON.stringify(name)}; give 1 to 64 letters, digits, dots, dashes and underscores`,
    );
  }
  const path = await onnxFile(argument);
  const draft = await draftModelJson(path, name === undefined ? {} : { name });
  const target = join(dirname(path), MODEL_JSON);
  await write(target, draft.text, existing);
  print(`wrote ${target}`);
  for (const line of report(draft)) print(line);
  print(`\ntry it with: models check ${quoted(dirname(path))}`);
}

/** As a shell takes it. */
const quoted = (path: string): string =>
  /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;

/** The path of the ONNX file. */
async function onnxFile(argument: string): Promise<string> {
  const path = resolve(argument);
  const info = await stat(path).catch((error) => {
    throw new CommandError(`${argument} ${describeFileError(error)}`);
  });
  if (!info.isDirectory()) return path;
  const present = (await readdir(path)).filter((file) => file.endsWith(".onnx"));
  const [only] = present;
  if (only !== undefined && present.length === 1) return join(path, only);
  const held = present.map((file) => JSON.stringify(file)).join(", ") || "no .onnx file";
  throw new CommandError(`${argument} is a folder that holds ${held}: name the file`);
}

async function write(path: string, text: string, existing: InitOptions["existing"]): Promise<void> {
  try {
    await writeFile(path, text, { flag: existing === "overwrite" ? "w" : "wx" });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") {
      throw new CommandError(`${path} exists: edit it, or overwrite it with --force`);
    }
    throw new CommandError(`${path} ${describeFileError(error)}`);
  }
}

/** What was recognised, the roles that were given, and what to check; one line each. */
export function* report({
  json,
  signature,
  network,
  guesses,
  problems,
  missing,
}: ModelDraft): Generator<string> {
  yield network === null
    ? "drafted from names and shapes: it is not one of the well-known networks"
    : `recognised ${network.name}${network.isTried ? "" : "; its entry follows its documentation and has never been tried"}`;
  yield "";
  yield* textTable([
    ...signature.inputs.map((tensor) => ["input", ...portRow(tensor, json.inputs)]),
    ...signature.outputs.map((tensor) => ["output", ...portRow(tensor, json.outputs)]),
  ]);
  if (missing.length > 0) {
    yield "";
    yield "this server cannot run it, because it lacks these operators:";
    for (const domain of missing) yield `  ${domain}`;
  }
  if (problems.length > 0) {
    yield "";
    yield "edit these fields before you use the model:";
    for (const { field, problem } of problems) yield `  ${field || MODEL_JSON} ${problem}`;
  }
  if (guesses.length > 0) {
    yield "";
    yield "check these fields, which are guesses:";
    for (const { field, hint } of guesses) yield `  ${field}: ${hint}`;
  }
  if (network?.notes !== undefined) {
    yield "";
    yield "notes:";
    for (const note of network.notes) yield `  ${note}`;
  }
}

function portRow(
  tensor: TensorSignature,
  entries: Readonly<Record<string, PortEntry>> = {},
): string[] {
  const entry = entries[tensor.name];
  return [describeTensor(tensor), entry === undefined ? "no role" : describeEntry(entry)];
}

/** The role and its fields: `frame: layout nchw, channels rgb, range [0, 1]`. */
function describeEntry({ role, ...fields }: PortEntry): string {
  const shown = Object.entries(fields)
    .filter(([field]) => field !== "description")
    .map(([field, value]) => `${field} ${describeValue(value)}`);
  return [role ?? "", shown.join(", ")].filter((part) => part !== "").join(": ");
}

/** Lists of more values are counted. */
const LISTED = 4;

function describeValue(value: unknown): string {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return JSON.stringify(value);
  return value.length > LISTED ? `of ${value.length}` : `[${value.join(", ")}]`;
}
