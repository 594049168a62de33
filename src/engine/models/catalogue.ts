/** Lists the models there are: the built-in ones, and the folders of `<workspace>/models` as they are right now. */
import { join } from "node:path";
import { reason, WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { GRAPH_MODEL } from "../protocol/work.ts";
import { BUILT_INS } from "./built-in.ts";
import type { CatalogueEntry, UsableModel } from "./catalogue-entry.ts";
import { defineModel } from "./define-model.ts";
import type { ModelDefinition } from "./definition.ts";
import { stampOf } from "./folder-stamp.ts";
import { defineGraphs } from "./graph-definition.ts";
import { GraphModels } from "./graph-models.ts";
import { type ModelChain, modelChain } from "./model-chain.ts";
import { isModelName, listModelFolders, readModelFolder } from "./model-folder.ts";
import { upstreamPorts } from "./roles/upstream.ts";
import { isShortage } from "./shortage.ts";

const log = getLogger("models");

const BUILT_IN = "built-in";
/** Folders that are read at the same time: file systems answer in parallel, and thousands need not be open at once. */
const READS_AT_ONCE = 8;
/** A machine that stays short of what reading takes is reported this often at most. */
const SHORTAGE_REPORT_MS = 60_000;

export class ModelCatalogue {
  readonly #workspace: string;
  readonly #entries = new Map<string, CatalogueEntry>();
  #lastPass: Promise<void> = Promise.resolve();
  /** Begins when the last one has ended, however it ended; null while no caller waits. */
  #nextPass: Promise<void> | null = null;
  #listError: string | null = null;
  /** `performance.now()` when it was reported last that the machine lacks what it takes to look at folders. */
  #shortageReportedAt = Number.NEGATIVE_INFINITY;
  /** Models of ComfyUI graphs, which no list shows. */
  readonly graphs: GraphModels;

  private constructor(workspace: string) {
    this.#workspace = workspace;
    this.graphs = new GraphModels(workspace, () => this.#folders());
  }

  /** Reads every folder of `<workspace>/models`; a broken one is listed with its reason. */
  static async open(workspace: string): Promise<ModelCatalogue> {
    const catalogue = new ModelCatalogue(workspace);
    for (const name of Object.keys(BUILT_INS)) catalogue.#entries.set(name, builtInModel(name));
    catalogue.#entries.set(GRAPH_MODEL, graphModel(workspace));
    await catalogue.refresh();
    return catalogue;
  }

  /** All models by name, as they were when they were last read. */
  list(): readonly CatalogueEntry[] {
    return [...this.#entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * One model, read again if its folder is new or has changed. Throws `unknown_model`, naming those
   * that can be used, and `model_failed` with the reason for a folder that is broken.
   */
  async get(name: string): Promise<UsableModel> {
    const entry = await this.entry(name);
    if (entry === undefined) {
      const usable = this.list().filter(({ state }) => state === "usable");
      const names = usable.map((one) => one.name).join(", ");
      throw new WorkerError(
        "unknown_model",
        `unknown model ${JSON.stringify(name)}; available: ${names}`,
      );
    }
    if (entry.state !== "usable") throw entry.error;
    return entry;
  }

  /** The definition of a model that could be used when it was last read; null for others. */
  definitionOf(name: string): ModelDefinition | null {
    const entry = this.#entries.get(name);
    return entry?.state === "usable" ? entry.definition : null;
  }

  /** The model with those that feed it. Throws as `get` does, and `model_failed` where one of them cannot be used. */
  async chain(name: string): Promise<ModelChain> {
    const { definition } = await this.get(name);
    await this.#readFeeders(definition, new Set());
    try {
      return modelChain(definition, (feeder) => this.definitionOf(feeder));
    } catch (error) {
      const message = `model ${name} cannot be used: ${reason(error)}`;
      throw new WorkerError("model_failed", message, { cause: error });
    }
  }

  /** What `name` is right now, read again if its folder is new or has changed; undefined where there is nothing. */
  async entry(name: string): Promise<CatalogueEntry | undefined> {
    if (GraphModels.owns(name)) return await this.graphs.entry(name);
    return isModelName(name) ? await this.#current(name) : this.#entries.get(name);
  }

  /** Reads what is new or has changed in `<workspace>/models`, and forgets what is gone. Callers that wait share a pass. */
  refresh(): Promise<void> {
    this.#nextPass ??= this.#lastPass.then(() => {
      this.#nextPass = null;
      const pass = this.#readAll();
      this.#lastPass = pass.catch(() => {}); // its callers get the error
      return pass;
    });
    return this.#nextPass;
  }

  #folders(): CatalogueEntry[] {
    return this.list().filter(({ source }) => source !== BUILT_IN);
  }

  /** Looks at the folders of all models that feed this one, which may be new. */
  async #readFeeders({ inputs }: ModelDefinition, seen: Set<string>): Promise<void> {
    for (const { source } of upstreamPorts(inputs)) {
      if (seen.has(source.model)) continue;
      seen.add(source.model);
      const entry = await this.entry(source.model);
      if (entry?.state === "usable") await this.#readFeeders(entry.definition, seen);
    }
  }

  async #readAll(): Promise<void> {
    const folders = await this.#listFolders();
    if (folders === null) return;
    for (const name of this.#entries.keys()) {
      if (!isModelName(name) && !folders.includes(name)) this.#entries.delete(name);
    }
    const names = new Set([...this.#entries.keys(), ...folders]).values();
    const readNext = async (): Promise<void> => {
      for (const name of names) {
        await this.#current(name).catch((error) => {
          if (!isShortage(error)) throw error; // the next pass reads it
        });
      }
    };
    await Promise.all(Array.from({ length: READS_AT_ONCE }, readNext));
  }

  /** Null where the folder of all models cannot be read: what is known stays. */
  async #listFolders(): Promise<string[] | null> {
    try {
      const folders = await listModelFolders(this.#workspace);
      this.#listError = null;
      return folders;
    } catch (error) {
      const message = reason(error);
      if (message !== this.#listError) log.error("cannot list the workspace", { error: message });
      this.#listError = message;
      return null;
    }
  }

  /** The model as its folder is now. Where the machine lacks what it takes to look: as it was before, or that error. */
  async #current(name: string): Promise<CatalogueEntry | undefined> {
    try {
      return await this.#look(name);
    } catch (error) {
      const known = this.#entries.get(name);
      if (!isShortage(error)) throw error;
      this.#reportShortage(error);
      if (known === undefined) throw error;
      return known;
    }
  }

  #reportShortage(error: unknown): void {
    const now = performance.now();
    if (now - this.#shortageReportedAt < SHORTAGE_REPORT_MS) return;
    this.#shortageReportedAt = now;
    log.error("models cannot be read now", { error: reason(error) });
  }

  async #look(name: string): Promise<CatalogueEntry | undefined> {
    const known = this.#entries.get(name);
    const stamp = await stampOf(join(this.#workspace, "models", name), known?.files ?? []);
    if (stamp === null) this.#forget(name);
    else if (known?.stamp !== stamp) {
      const entry = await readModelFolder(this.#workspace, name);
      if (entry === null) this.#forget(name);
      else {
        this.#entries.set(name, entry);
        if (entry.state === "parts" && known?.state !== "parts") {
          log.info("a folder is for graphs alone", { folder: name, reason: entry.error.message });
        }
      }
    }
    return this.#entries.get(name);
  }

  /** A built-in model takes its place back. */
  #forget(name: string): void {
    if (this.#entries.get(name)?.source === BUILT_IN) return;
    this.#entries.delete(name);
    if (name === GRAPH_MODEL) this.#entries.set(name, graphModel(this.#workspace));
    if (Object.hasOwn(BUILT_INS, name)) this.#entries.set(name, builtInModel(name));
  }
}

/** What requests know as the model of graphs. Those that run are `GraphModels`'; without a graph it draws a black picture. */
function graphModel(workspace: string): UsableModel {
  const origin = { name: GRAPH_MODEL, source: BUILT_IN, stamp: BUILT_IN, files: [] };
  const program = { comfy: { graphs: [BLACK], kind: "stream", models: {}, workspace } } as const;
  return { state: "usable", ...origin, definition: defineGraphs(GRAPH_MODEL), program, bytes: 0 };
}

const BLACK = JSON.stringify({
  "1": { class_type: "EmptyImage", inputs: { width: 512, height: 512, batch_size: 1, color: 0 } },
  "2": { class_type: "SaveTensor", inputs: { images: ["1", 0] } },
});

function builtInModel(name: string): UsableModel {
  const model = BUILT_INS[name];
  if (model === undefined) throw new WorkerError("internal", `${name} is not a built-in model`);
  const definition = defineModel(name, model.json, model.signature);
  const origin = { name, source: BUILT_IN, stamp: BUILT_IN, files: [] };
  return { state: "usable", ...origin, definition, program: { builtIn: name }, bytes: 0 };
}
