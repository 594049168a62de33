/** Reads one folder of `<workspace>/models` into an entry of the catalogue. */
import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ModelProto } from "onnx-buf";
import { reason, WorkerError } from "../../errors.ts";
import { readPipelineAbilities } from "../diffusion/pipeline-abilities.ts";
import {
  isPipelineFolder,
  MODEL_INDEX,
  NETWORKS,
  networkFile,
  partFiles,
  readPipelineFolder,
} from "../diffusion/pipeline-folder.ts";
import type { CatalogueEntry } from "./catalogue-entry.ts";
import { defineModel } from "./define-model.ts";
import type { ModelDefinition } from "./definition.ts";
import { defineDiffusion, diffusionEntries } from "./diffusion-definition.ts";
import { whatItIs } from "./file-kind.ts";
import { MODEL_JSON, ONNX, stampOf, watchedIn } from "./folder-stamp.ts";
import { type ModelJson, type PortEntry, parseModelJson } from "./model-json.ts";
import { readOnnxOutline } from "./onnx-outline.ts";
import { describeFileError, errorCode, readRegularFile } from "./regular-file.ts";
import { isShortage } from "./shortage.ts";
import { signatureOf } from "./tensor-signature.ts";

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
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
    if (errorCode(error) === "ENOENT") return []; // a workspace without models has the built-in ones
    throw new WorkerError("model_failed", `models ${describeFileError(error)}`, { cause: error });
  }
}

/** True for a name that a model may have. Other names must not become paths. */
export const isModelName = (name: string): boolean => NAME.test(name);

/**
 * The folder's model, or what is wrong with it; null where there is no folder. Throws only where the machine lacks what it
 * takes to read it (`isShortage`).
 */
export async function readModelFolder(
  workspace: string,
  name: string,
): Promise<CatalogueEntry | null> {
  const folder = join(workspace, "models", name);
  // Before the files are read: one that is written meanwhile has another stamp the next time.
  let stamp = await stampOf(folder, []);
  if (stamp === null) return null;
  const origin = { name, source: `models/${name}` };
  const watched = await watchedIn(folder);
  const unusable = { ...origin, stamp: (await stampOf(folder, watched)) ?? stamp, files: watched };
  let files: readonly string[] = [];
  try {
    const forGraphs = await partsForGraphs(folder, name);
    if (forGraphs !== null) {
      const message = `model ${shownName(name)} cannot be used: it holds ${forGraphs}`;
      const error = new WorkerError("model_failed", message, {
        cause: failed(`holds ${forGraphs}`),
      });
      return { state: "parts", ...unusable, error };
    }
    if (await isPipelineFolder(folder)) {
      await requireReadable(folder, name);
      const pipeline = await readPipelineFolder(folder);
      ({ files } = pipeline);
      stamp = (await stampOf(folder, files)) ?? stamp;
      const abilities = await readPipelineAbilities(pipeline, async (path, label) =>
        signatureOf(await readOutline(path, label)),
      );
      const json = await readModelJson(folder, name, diffusionEntries(abilities));
      const definition = defineDiffusion(name, json, folder, abilities);
      const bytes = await totalBytes(folder, new Set(files));
      return {
        state: "usable",
        ...origin,
        stamp,
        files,
        definition,
        program: { pipeline: folder },
        bytes,
      };
    }
    await requireReadable(folder, name);
    const json = await readModelJson(folder, name);
    const { file, label } = await graphFile(folder, json);
    if (file.includes("/")) files = [file];
    const path = join(folder, file);
    const outline = await readOutline(path, label);
    const weights = externalFiles(outline).map((weight) => join(dirname(file), weight));
    const definition = defineModel(name, json, signatureOf(outline), folder);
    files = [...files, ...weights, ...assetsOf(definition)];
    if (files.length > 0) stamp = (await stampOf(folder, files)) ?? stamp;
    const bytes = await totalBytes(folder, new Set([file, ...files]));
    return { state: "usable", ...origin, stamp, files, definition, program: { path }, bytes };
  } catch (error) {
    const message = `model ${shownName(name)} cannot be used: ${reason(error)}`;
    const failure = new WorkerError("model_failed", message, { cause: error });
    if (isShortage(error)) throw failure;
    if (files.every((file) => watched.includes(file))) {
      return { state: "broken", ...unusable, error: failure };
    }
    files = [...watched, ...files];
    stamp = (await stampOf(folder, files)) ?? stamp;
    return { state: "broken", ...origin, stamp, files, error: failure };
  }
}

const shownName = (name: string): string => (isModelName(name) ? name : JSON.stringify(name));

/**
 * What a folder for graphs alone holds, and what would make it a model; null for all other folders. Graphs find any name,
 * also one that models cannot have, as files for TensorRT do.
 */
async function partsForGraphs(folder: string, name: string): Promise<string | null> {
  const names = await readdir(folder).catch((): string[] => []);
  const files = await partFiles(folder).catch((): string[] => []); // what cannot be read is told when the model is
  const parts = NETWORKS.filter((part) => files.includes(networkFile(part)));
  if (parts.length === 0 || names.includes(MODEL_JSON)) return null;
  if (names.some((one) => one.endsWith(ONNX))) return null; // it is a network that lacks its model.json
  const isPipeline = names.includes(MODEL_INDEX);
  if (isPipeline && isModelName(name)) return null;
  const held = `${parts.join(", ")} of a diffusion pipeline, which ComfyUI graphs load by the folder's name`;
  return isPipeline
    ? `${held}; a model's name has only letters, digits, dots, dashes and underscores`
    : `${held}; a model needs the whole pipeline and ${MODEL_INDEX}`;
}

/** Throws an error that says what the file is, if it is not an ONNX model. */
async function readOutline(path: string, label: string): Promise<ModelProto> {
  try {
    return await readOnnxOutline(path, label);
  } catch (error) {
    const kind = await whatItIs(path).catch(() => null); // the first error says why it cannot be read
    throw kind === null ? error : failed(`${label} ${kind}`);
  }
}

/** Names of the files in which weights lie, as the ONNX file states them: beside it or below. */
function externalFiles({ graph }: ModelProto): string[] {
  const locations = (graph?.initializer ?? []).flatMap(({ externalData }) =>
    externalData.flatMap(({ key, value }) => (key === "location" ? [value] : [])),
  );
  return [...new Set(locations)];
}

/** Files that ports name, such as pictures. */
const assetsOf = ({ inputs }: ModelDefinition): string[] =>
  inputs.flatMap((port) => ("file" in port && typeof port.file === "string" ? [port.file] : []));

/** Throws `model_failed` for a file that is missing. */
async function totalBytes(folder: string, files: ReadonlySet<string>): Promise<number> {
  let total = 0;
  for (const file of files) {
    const info = await stat(join(folder, file)).catch((error) => {
      throw failed(`${JSON.stringify(file)}, which the model needs, ${describeFileError(error)}`);
    });
    total += info.size;
  }
  return total;
}

async function requireReadable(folder: string, name: string): Promise<void> {
  if (!isModelName(name)) {
    throw failed(
      "its folder's name is the model's name: rename it to 1 to 64 letters, digits, dots, dashes and underscores",
    );
  }
  await readdir(folder).catch((error) => {
    throw failed(`its folder ${describeFileError(error)}`);
  });
}

/** @param program see `parseModelJson`; a program needs no `model.json` */
async function readModelJson(
  folder: string,
  name: string,
  program?: Readonly<Record<string, PortEntry>>,
): Promise<ModelJson> {
  const path = join(folder, MODEL_JSON);
  if (program !== undefined && !(await Bun.file(path).exists())) return {};
  const bytes = await readRegularFile(path, MODEL_JSON, MAX_MODEL_JSON_BYTES).catch((error) => {
    if (errorCode(error.cause) !== "ENOENT") throw error;
    throw failed("model.json is missing: `models init` drafts one from the folder's .onnx file");
  });
  const json = parseModelJson(new TextDecoder().decode(bytes), program);
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
    (error) => errorCode(error) === "ENOENT",
  );
  if (isAbsent) throw failed(`${given}, which is missing; ${holds}`);
  return { file, label: `${given}, which` };
}

const failed = (message: string): WorkerError => new WorkerError("model_failed", message);
