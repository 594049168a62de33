/** Makes models of ComfyUI graphs: one for each set of model folders that graphs name, which all graphs with that set share. */
import { join } from "node:path";
import { reason } from "../../errors.ts";
import type { FieldProblem } from "../../field-problem.ts";
import { partFiles } from "../diffusion/pipeline-folder.ts";
import type { FolderContent } from "../graph/folder-content.ts";
import type { GraphFiles } from "../graph/graph-files.ts";
import { runnable } from "../graph/node-support.ts";
import { type ObjectInfo, objectInfo } from "../graph/object-info.ts";
import { workspaceFiles } from "../graph/workspace-files.ts";
import { GRAPH_MODEL, type GraphUse } from "../protocol/work.ts";
import type { CatalogueEntry, UsableModel } from "./catalogue-entry.ts";
import { stampOf } from "./folder-stamp.ts";
import { defineGraphs } from "./graph-definition.ts";
import type { ComfyGraphs } from "./onnx-source.ts";

/** Before the names of the folders: no folder of a model has a name with a colon. */
const PREFIX = `${GRAPH_MODEL}:`;

/** How graphs are run. */
export interface GraphPlan {
  /** The name of the model that runs them. */
  readonly model: string;
  /** What is wrong with parts of them that do not run. */
  readonly warnings: readonly FieldProblem[];
}

export class GraphModels {
  readonly #workspace: string;
  readonly #folders: () => readonly CatalogueEntry[];
  /** What a model was asked for with, by its name. */
  readonly #asked = new Map<string, Omit<ComfyGraphs, "workspace">>();

  /** @param folders lists the workspace's model folders */
  constructor(workspace: string, folders: () => readonly CatalogueEntry[]) {
    this.#workspace = workspace;
    this.#folders = folders;
  }

  /** True for the name of a model that `plan` gave. */
  static owns(name: string): boolean {
    return name.startsWith(PREFIX);
  }

  /** The model that runs these graphs. Throws `invalid_request` with what is wrong with them. */
  async plan(graphs: readonly string[], use: GraphUse): Promise<GraphPlan> {
    const files = await this.#files();
    // With it come all node classes, which an engine without graphs does without.
    const { planGraphs } = await import("../graph/plan-graph.ts");
    const plans = planGraphs(graphs, use, files);
    const models = [...new Set(plans.flatMap((plan) => plan.models))].sort();
    const name = PREFIX + [use.kind, ...models].join(",");
    const paths = models.map((model) => [model, join(this.#workspace, "models", model)]);
    this.#asked.set(name, { graphs: [], kind: use.kind, models: Object.fromEntries(paths) });
    return { model: name, warnings: plans.flatMap((plan) => plan.warnings) };
  }

  /** The node classes that run here, in the form of ComfyUI's `object_info`. */
  async nodes(): Promise<Record<string, ObjectInfo>> {
    const { NODE_CLASSES } = await import("../graph/node-classes.ts");
    return objectInfo(runnable(NODE_CLASSES.values()), await this.#files());
  }

  /** What `name` stands for right now; undefined for a name that `plan` has not given. */
  async entry(name: string): Promise<UsableModel | undefined> {
    const asked = this.#asked.get(name);
    if (asked === undefined) return undefined;
    const folders = this.#folders().filter((folder) => Object.hasOwn(asked.models, folder.name));
    const stamps = Object.entries(asked.models).map(([model, path]) =>
      stampOf(path, folders.find((folder) => folder.name === model)?.files ?? []),
    );
    return {
      state: "usable",
      name,
      source: GRAPH_MODEL,
      files: [],
      stamp: (await Promise.all(stamps)).join("\n"),
      definition: defineGraphs(name),
      program: { comfy: { ...asked, workspace: this.#workspace } },
      bytes: folders.reduce((sum, one) => sum + (one.state === "usable" ? one.bytes : 0), 0),
    };
  }

  async #files(): Promise<GraphFiles> {
    const folders = this.#folders();
    const contents = folders.map(async (folder) => {
      const path = join(this.#workspace, "models", folder.name);
      return [folder.name, await contentOf(folder, path)] as const;
    });
    const names = folders.map(({ name }) => name);
    return await workspaceFiles(this.#workspace, names, new Map(await Promise.all(contents)));
  }
}

async function contentOf(entry: CatalogueEntry, path: string): Promise<FolderContent> {
  if (entry.state !== "usable") {
    const problem = reason(entry.error.cause ?? entry.error);
    const files = await partFiles(path).catch(() => []); // it may have been removed meanwhile
    return { kind: "other", problem, files };
  }
  const { program, files, definition } = entry;
  return "pipeline" in program ? { kind: "pipeline", files } : { kind: "network", definition };
}
