/** The models there are: those built in and those in `<workspace>/models`. Hides folders, files and their times. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { reason, WorkerError } from "../../errors.ts";
import { BUILT_INS } from "./built-in.ts";
import { defineModel } from "./define-model.ts";
import type { ModelDefinition } from "./definition.ts";
import { type ModelJson, parseModelJson } from "./model-json.ts";
import { parseGraph, signatureOf } from "./tensor-signature.ts";

interface Origin {
  readonly name: string;
  /** `built-in` or the folder's path below the workspace. */
  readonly source: string;
  /** Changes when a file of the model changes. */
  readonly stamp: string;
}

/** A model that can be loaded. */
export interface UsableModel extends Origin {
  readonly state: "usable";
  readonly definition: ModelDefinition;
  /** Where its ONNX file is. */
  readonly graph: { readonly path: string } | { readonly bytes: Uint8Array };
}

/** A folder in which something is wrong. */
export interface BrokenModel extends Origin {
  readonly state: "broken";
  readonly error: WorkerError;
}

export type CatalogueEntry = UsableModel | BrokenModel;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export class ModelCatalogue {
  readonly #workspace: string;
  readonly #entries = new Map<string, CatalogueEntry>();

  private constructor(workspace: string) {
    this.#workspace = workspace;
  }

  /** Reads every folder of `<workspace>/models`; one that is broken stays in the list with its reason. */
  static async open(workspace: string): Promise<ModelCatalogue> {
    const catalogue = new ModelCatalogue(workspace);
    for (const name of Object.keys(BUILT_INS)) catalogue.#entries.set(name, builtInModel(name));
    for (const folder of await readdir(join(workspace, "models"), { withFileTypes: true }).catch(
      () => [], // a workspace without models is a workspace with those built in
    )) {
      if (folder.name.startsWith(".") || folder.isFile()) continue;
      catalogue.#entries.set(folder.name, await readModel(workspace, folder.name));
    }
    return catalogue;
  }

  /** All models by name, as they were when last read. */
  list(): readonly CatalogueEntry[] {
    return [...this.#entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * One model, read again if its folder is new or has changed. Throws `unknown_model` naming those
   * there are, and `model_failed` with the reason for a folder that is broken.
   */
  async get(name: string): Promise<UsableModel> {
    const entry = await this.#current(name);
    if (entry === undefined) {
      const names = this.list().filter(({ state }) => state === "usable");
      throw new WorkerError(
        "unknown_model",
        `there is no model ${JSON.stringify(name)}; there are ${names.map((one) => one.name).join(", ")}`,
      );
    }
    if (entry.state === "broken") throw entry.error;
    return entry;
  }

  /** Reads what is new or has changed in `<workspace>/models`, and forgets what is gone. */
  async refresh(): Promise<void> {
    const folders = await readdir(join(this.#workspace, "models")).catch(() => []);
    for (const name of new Set([...this.#entries.keys(), ...folders])) await this.#current(name);
  }

  async #current(name: string): Promise<CatalogueEntry | undefined> {
    const known = this.#entries.get(name);
    if (!NAME.test(name)) return known;
    const stamp = await stampOf(join(this.#workspace, "models", name));
    if (stamp === null) {
      if (known !== undefined && known.source !== BUILT_IN) {
        this.#entries.delete(name);
        if (Object.hasOwn(BUILT_INS, name)) this.#entries.set(name, builtInModel(name));
      }
    } else if (known?.stamp !== stamp) {
      this.#entries.set(name, await readModel(this.#workspace, name));
    }
    return this.#entries.get(name);
  }
}

const BUILT_IN = "built-in";

function builtInModel(name: string): UsableModel {
  const model = BUILT_INS[name];
  if (model === undefined) throw new WorkerError("internal", `${name} is not built in`);
  const bytes = model.graph();
  const definition = defineModel(name, model.json, signatureOf(parseGraph(bytes)));
  const origin = { name, source: BUILT_IN, stamp: BUILT_IN };
  return { state: "usable", ...origin, definition, graph: { bytes } };
}

async function readModel(workspace: string, name: string): Promise<CatalogueEntry> {
  const folder = join(workspace, "models", name);
  const origin = { name, source: `models/${name}`, stamp: (await stampOf(folder)) ?? "" };
  try {
    if (!NAME.test(name)) {
      throw failed(
        "the folder's name is the model's name: letters, digits, dot, dash and underscore, up to 64",
      );
    }
    const text = await Bun.file(join(folder, "model.json"))
      .text()
      .catch(() => {
        throw failed("it has no model.json");
      });
    const json = parseModelJson(text);
    if (json.name !== undefined && json.name !== name) {
      throw failed(
        `model.json: name is ${JSON.stringify(json.name)} but the folder is ${name}: leave it out`,
      );
    }
    const path = join(folder, await graphFile(folder, json));
    const bytes = await Bun.file(path).bytes();
    const definition = defineModel(name, json, signatureOf(parseGraph(bytes)));
    return { state: "usable", ...origin, definition, graph: { path } };
  } catch (error) {
    const message = `model ${name} cannot be used: ${reason(error)}`;
    return {
      state: "broken",
      ...origin,
      error: new WorkerError("model_failed", message, { cause: error }),
    };
  }
}

/** The ONNX file's name inside its folder: the one told, or the only one there is. */
async function graphFile(folder: string, { file }: ModelJson): Promise<string> {
  const present = (await readdir(folder)).filter((name) => name.endsWith(".onnx"));
  if (file === undefined) {
    const [only] = present;
    if (only !== undefined && present.length === 1) return only;
    throw failed(
      `model.json: file is missing; the folder holds ${present.join(", ") || "no .onnx"}`,
    );
  }
  if (file.includes("\\") || file.split("/").some((part) => part === "" || part.startsWith("."))) {
    throw failed(
      `model.json: file is ${JSON.stringify(file)}; give a path inside the folder without dots in front`,
    );
  }
  if (await Bun.file(join(folder, file)).exists()) return file;
  throw failed(
    `model.json: file is ${JSON.stringify(file)}, which is not there; the folder holds ${present.join(", ") || "no .onnx"}`,
  );
}

const failed = (message: string): WorkerError => new WorkerError("model_failed", message);

/** Names, sizes and times of a folder's own files; null where there is no folder. */
async function stampOf(folder: string): Promise<string | null> {
  const names = await readdir(folder).catch(() => null);
  if (names === null) return null;
  const files = await Promise.all(
    names.sort().map(async (name) => {
      const info = await stat(join(folder, name)).catch(() => null); // it may vanish meanwhile
      return `${name}:${info?.size}:${info?.mtimeMs}`;
    }),
  );
  return files.join("|");
}
