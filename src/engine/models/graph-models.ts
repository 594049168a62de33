/** Makes models of ComfyUI graphs: one for each set of model folders that graphs name, which all graphs with that set share. */
import { join } from "node:path";
import { runnable } from "../graph/node-support.ts";
import { type ObjectInfo, objectInfo } from "../graph/object-info.ts";
import { workspaceFiles } from "../graph/workspace-files.ts";
import { GRAPH_MODEL, type GraphUse } from "../protocol/work.ts";
import { defineGraphs } from "./graph-definition.ts";
import { stampOf, type UsableModel } from "./model-folder.ts";
import type { ComfyGraphs } from "./onnx-source.ts";

/** Before the names of the folders: no folder of a model has a name with a colon. */
const PREFIX = `${GRAPH_MODEL}:`;

/** A model folder as the catalogue knows it. */
export interface ModelFolder {
  readonly name: string;
  /** Paths of its files inside it, as in `UsableModel`. */
  readonly files: readonly string[];
  readonly bytes: number;
}

export class GraphModels {
  readonly #workspace: string;
  readonly #folders: () => readonly ModelFolder[];
  /** The graphs that a model was asked for with last, by its name. */
  readonly #asked = new Map<string, Omit<ComfyGraphs, "workspace">>();

  /** @param folders lists the workspace's model folders */
  constructor(workspace: string, folders: () => readonly ModelFolder[]) {
    this.#workspace = workspace;
    this.#folders = folders;
  }

  /** True for the name of a model that `nameFor` gave. */
  static owns(name: string): boolean {
    return name.startsWith(PREFIX);
  }

  /** The name of the model that runs these graphs. Throws `invalid_request` with what is wrong with them. */
  async nameFor(graphs: readonly string[], use: GraphUse): Promise<string> {
    const folders = this.#folders().map(({ name }) => name);
    const files = await workspaceFiles(this.#workspace, folders);
    // With it come all node classes, which an engine without graphs does without.
    const { planGraph } = await import("../graph/plan-graph.ts");
    const plans = graphs.map((graph, place) => {
      const field = graphs.length === 1 ? "prompts" : `prompts.${place}`;
      return planGraph(graph, use, { files, field });
    });
    const models = [...new Set(plans.flatMap((plan) => plan.models))].sort();
    const name = PREFIX + [use.kind, ...models].join(",");
    const paths = models.map((model) => [model, join(this.#workspace, "models", model)]);
    this.#asked.set(name, { graphs, kind: use.kind, models: Object.fromEntries(paths) });
    return name;
  }

  /** The node classes that run here, in the form of ComfyUI's `object_info`. */
  async nodes(): Promise<Record<string, ObjectInfo>> {
    const folders = this.#folders().map(({ name }) => name);
    const files = await workspaceFiles(this.#workspace, folders);
    const { NODE_CLASSES } = await import("../graph/node-classes.ts");
    return objectInfo(runnable(NODE_CLASSES.values()), files);
  }

  /** What `name` stands for right now; undefined for a name that `nameFor` has not given. */
  async entry(name: string): Promise<UsableModel | undefined> {
    const asked = this.#asked.get(name);
    if (asked === undefined) return undefined;
    const folders = this.#folders().filter((folder) => Object.hasOwn(asked.models, folder.name));
    const stamps = Object.entries(asked.models).map(([model, path]) =>
      stampOf(path, folders.find((folder) => folder.name === model)?.files ?? []),
    );
    return {
      state: "usable",
      ...{ name, source: GRAPH_MODEL, files: [] },
      stamp: (await Promise.all(stamps)).join("\n"),
      definition: defineGraphs(name),
      program: { comfy: { ...asked, workspace: this.#workspace } },
      bytes: folders.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }
}
