/** Makes a temporary workspace in which a model is tried: links to the model's files and to all models that may feed it. */
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { isPipelineFolder } from "../../engine/diffusion/pipeline-folder.ts";
import { BUILT_INS } from "../../engine/models/built-in.ts";
import { isModelName, listModelFolders } from "../../engine/models/model-folder.ts";
import { type ModelJson, parseModelJson } from "../../engine/models/model-json.ts";
import { CommandError } from "../failures.ts";
import { isPresent, modelFolder, toModelName } from "../layout.ts";
import { draftModelJson } from "../model-draft.ts";

const MODEL_JSON = "model.json";
/** The second version of the model, whose pictures are data. */
const RAW = "raw-outputs-of-the-model";

/** The model to try. */
export interface TrialWorkspace extends AsyncDisposable {
  readonly path: string;
  readonly name: string;
  /** True where the folder has no `model.json`, and the draft of `models init` is tried. */
  readonly isDraft: boolean;
  /** True for a diffusion pipeline, which needs no `model.json`. */
  readonly isPipeline: boolean;
  /** Adds the same model with other outputs, and returns its name. */
  addVariant(outputs: NonNullable<ModelJson["outputs"]>): Promise<string>;
}

/**
 * @param argument the name of a model in the workspace, or a folder anywhere
 *
 * Throws CommandError for what is neither, and for a `model.json` that is not valid.
 */
export async function makeTrialWorkspace(
  argument: string,
  workspace: string,
): Promise<TrialWorkspace> {
  const path = await mkdtemp(join(tmpdir(), "models-check-"));
  try {
    return await fill(path, argument, workspace);
  } catch (error) {
    await rm(path, { recursive: true, force: true });
    throw error;
  }
}

async function fill(path: string, argument: string, workspace: string): Promise<TrialWorkspace> {
  const folder =
    (await findFolder(argument, workspace)) ??
    (await writeBuiltIn(argument, join(path, "built-in")));
  const written = await readJson(folder);
  const isPipeline = await isPipelineFolder(folder);
  const json = written ?? (isPipeline ? {} : await draftOf(folder));
  const name = json.name ?? toModelName(basename(folder));
  const link = (target: string, as: string): Promise<void> =>
    symlink(resolve(target), modelFolder(path, as));
  const copy = async (as: string, content: ModelJson): Promise<void> => {
    await mkdir(modelFolder(path, as), { recursive: true });
    for (const file of await readdir(folder)) {
      if (file !== MODEL_JSON) await symlink(join(folder, file), join(modelFolder(path, as), file));
    }
    await writeFile(join(modelFolder(path, as), MODEL_JSON), JSON.stringify(content));
  };
  await mkdir(join(path, "models"), { recursive: true });
  await copy(name, { ...json, name });
  const feeders = new Set(Object.values(json.inputs ?? {}).flatMap(feederOf));
  for (const other of await listModelFolders(workspace)) {
    feeders.delete(other);
    if (other !== name && isModelName(other)) await link(modelFolder(workspace, other), other);
  }
  for (const feeder of feeders) {
    const beside = join(dirname(folder), feeder);
    if (feeder !== name && isModelName(feeder) && (await isPresent(beside)))
      await link(beside, feeder);
  }
  return {
    path,
    name,
    isDraft: written === null && !isPipeline,
    isPipeline,
    async addVariant(outputs) {
      const { presets: _, ...rest } = json; // they may set parameters that the variant lacks
      await copy(RAW, { ...rest, name: RAW, outputs });
      return RAW;
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/** The model's folder, absolute; null for a built-in model. */
async function findFolder(argument: string, workspace: string): Promise<string | null> {
  if (isModelName(argument)) {
    const named = modelFolder(workspace, argument);
    if (await isPresent(named)) return resolve(named);
  }
  const entries = await readdir(argument).catch(() => null);
  if (entries !== null) return resolve(argument);
  if (Object.hasOwn(BUILT_INS, argument)) return null;
  const names = (await listModelFolders(workspace)).sort().join(", ") || "none";
  throw new CommandError(
    `${argument} is neither a folder nor a model of the workspace, which has ${names}`,
  );
}

/** Writes a built-in model as a folder, and returns its path. */
async function writeBuiltIn(name: string, folder: string): Promise<string> {
  const model = BUILT_INS[name];
  if (model === undefined) throw new Error(`${name} is not a built-in model`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, model.json.file ?? "model.onnx"), model.graph());
  await writeFile(join(folder, MODEL_JSON), JSON.stringify({ ...model.json, name }));
  return folder;
}

/** Null where there is none. */
async function readJson(folder: string): Promise<ModelJson | null> {
  const file = Bun.file(join(folder, MODEL_JSON));
  return (await file.exists()) ? parseModelJson(await file.text()) : null;
}

async function draftOf(folder: string): Promise<ModelJson> {
  const present = (await readdir(folder)).filter((file) => file.endsWith(".onnx"));
  const [only] = present;
  if (only === undefined || present.length > 1) {
    throw new CommandError(
      `${folder} has no model.json and ${present.length} .onnx files: write one with models init`,
    );
  }
  return parseModelJson((await draftModelJson(join(folder, only))).text);
}

/** The model that feeds an input. */
function feederOf(entry: { readonly [field: string]: unknown }): string[] {
  const from = entry["from"];
  const isSource = typeof from === "object" && from !== null && "model" in from;
  return isSource && typeof from.model === "string" ? [from.model] : [];
}
