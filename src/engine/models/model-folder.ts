/** Reads one folder of `<workspace>/models` into a catalogue entry, and notices when its files change. */
import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { reason, WorkerError } from "../../errors.ts";
import { defineModel } from "./define-model.ts";
import type { ModelDefinition } from "./definition.ts";
import { type ModelJson, parseModelJson } from "./model-json.ts";
import { readOnnxOutline } from "./onnx-outline.ts";
import { describeFileError, readRegularFile } from "./regular-file.ts";
import { signatureOf } from "./tensor-signature.ts";

interface Origin {
  readonly name: string;
  /** `built-in` or the folder's path below the workspace. */
  readonly source: string;
  /** Differs whenever a file of the model has changed. */
  readonly stamp: string;
  /** The ONNX file's path inside the folder where it lies in a folder of its own; else null. */
  readonly nested: string | null;
}

/** A model that can be loaded. */
export interface UsableModel extends Origin {
  readonly state: "usable";
  readonly definition: ModelDefinition;
  /** Where its ONNX file is. */
  readonly graph: { readonly path: string } | { readonly bytes: Uint8Array };
}

/** A folder that cannot be used as it is. */
export interface BrokenModel extends Origin {
  readonly state: "broken";
  readonly error: WorkerError;
}

export type CatalogueEntry = UsableModel | BrokenModel;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const MODEL_JSON = "model.json";
const ONNX = ".onnx";
const MAX_MODEL_JSON_BYTES = 2 ** 20;

/** Names in `<workspace>/models` that may be model folders. Throws `model_failed` where it cannot be read. */
export async function listModelFolders(workspace: string): Promise<string[]> {
  try {
    const entries = await readdir(join(workspace, "models"), { withFileTypes: true });
    return (
      entries
        // Some file systems do not state the kind of an entry: it may be a folder, or a link to one.
        .filter((entry) => !entry.isFile() && !entry.isFIFO() && !entry.isSocket())
        .map(({ name }) => name)
        .filter((name) => !name.startsWith("."))
    );
  } catch (error) {
    if (codeOf(error) === "ENOENT") return []; // a workspace without models has the built-in ones
    throw new WorkerError("model_failed", `models ${describeFileError(error)}`, { cause: error });
  }
}

/** True for a name that a model may have. Other names must not become paths. */
export const isModelName = (name: string): boolean => NAME.test(name);

/** The folder's model, or what is wrong with it; null where there is no folder. Never throws. */
export async function readModelFolder(
  workspace: string,
  name: string,
): Promise<CatalogueEntry | null> {
  const folder = join(workspace, "models", name);
  // Before the files are read: one that is written meanwhile has another stamp the next time.
  let stamp = await stampOf(folder, null);
  if (stamp === null) return null;
  const origin = { name, source: `models/${name}` };
  let nested: string | null = null;
  try {
    const json = await readModelJson(folder, name);
    const { file, label } = await graphFile(folder, json);
    if (file.includes("/")) {
      nested = file;
      stamp = (await stampOf(folder, nested)) ?? stamp;
    }
    const path = join(folder, file);
    const outline = await readOnnxOutline(path, label);
    const definition = defineModel(name, json, signatureOf(outline));
    return { state: "usable", ...origin, stamp, nested, definition, graph: { path } };
  } catch (error) {
    const shown = isModelName(name) ? name : JSON.stringify(name);
    const message = `model ${shown} cannot be used: ${reason(error)}`;
    const failure = new WorkerError("model_failed", message, { cause: error });
    return { state: "broken", ...origin, stamp, nested, error: failure };
  }
}

/**
 * A text that differs whenever a file of the model was written, replaced or made readable; null where there is no
 * folder.
 *
 * @param nested the entry's own `nested`
 */
export async function stampOf(folder: string, nested: string | null): Promise<string | null> {
  try {
    const names = (await readdir(folder)).filter(
      (name) => name === MODEL_JSON || name.endsWith(ONNX),
    );
    if (nested !== null) names.push(nested);
    const stamps = names.sort().map(async (name) => {
      const info = await stat(join(folder, name)).catch(() => null); // it may vanish meanwhile
      return `${name}:${info?.ino}:${info?.size}:${info?.mtimeMs}:${info?.ctimeMs}`;
    });
    return (await Promise.all(stamps)).join("|");
  } catch (error) {
    const code = codeOf(error);
    // A listed name that is not UTF-8 was decoded with replacement characters, and leads nowhere.
    if (code === "ENOENT" && folder.includes("\uFFFD")) return "unreadable: name";
    const isLink = async () => (await lstat(folder).catch(() => null))?.isSymbolicLink() ?? false;
    if (code === "ENOTDIR" || (code === "ENOENT" && !(await isLink()))) return null;
    return `unreadable: ${code}`;
  }
}

async function readModelJson(folder: string, name: string): Promise<ModelJson> {
  if (!isModelName(name)) {
    throw failed(
      "its folder's name is the model's name: rename it to 1 to 64 letters, digits, dots, dashes and underscores",
    );
  }
  await readdir(folder).catch((error) => {
    throw failed(`its folder ${describeFileError(error)}`);
  });
  const path = join(folder, MODEL_JSON);
  const bytes = await readRegularFile(path, MODEL_JSON, MAX_MODEL_JSON_BYTES);
  const json = parseModelJson(new TextDecoder().decode(bytes));
  if (json.name === undefined || json.name === name) return json;
  throw failed(
    `model.json: name is ${JSON.stringify(json.name)} but the folder is ${name}: leave it out`,
  );
}

/** The ONNX file's path inside its folder (the one named, or the only one), and how errors name it. */
async function graphFile(
  folder: string,
  { file }: ModelJson,
): Promise<{ file: string; label: string }> {
  const present = (await readdir(folder)).filter((name) => name.endsWith(ONNX));
  const holds = `the folder holds ${present.map((name) => JSON.stringify(name)).join(", ") || "no .onnx"}`;
  if (file === undefined) {
    const [only] = present;
    if (only !== undefined && present.length === 1) return { file: only, label: only };
    throw failed(`model.json: file is missing; ${holds}`);
  }
  const given = `model.json: file is ${JSON.stringify(file)}`;
  if (/[\\\0]/.test(file) || file.split("/").some((part) => part === "" || part.startsWith("."))) {
    throw failed(`${given}; give a path inside the folder, without parts that begin with a dot`);
  }
  const isAbsent = await stat(join(folder, file)).then(
    () => false,
    (error) => codeOf(error) === "ENOENT",
  );
  if (isAbsent) throw failed(`${given}, which is missing; ${holds}`);
  return { file, label: `${given}, which` };
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "unknown";

const failed = (message: string): WorkerError => new WorkerError("model_failed", message);
