/** The ComfyUI that the operator runs at COMFYUI_URL, as a source of models for graphs that cannot run here. */
import { WorkerError } from "../../errors.ts";
import type { LoadedModel } from "../device/loaded-model.ts";
import { shownName } from "../graph/graph.ts";
import type { LacksNodes } from "../graph/refusal.ts";
import { defineGraphs } from "../models/graph-definition.ts";
import { type ModelChain, modelChain } from "../models/model-chain.ts";
import type { ComfyReport } from "../protocol/comfyui-report.ts";
import type { GraphUse } from "../protocol/work.ts";
import { ComfyConnection } from "./connection.ts";
import { examine } from "./examine.ts";
import { ServerModel } from "./server-model.ts";

/** Shown while a stream waits. No folder of a model has a name with a space. */
const NAMES = { stream: "ComfyUI server", picture: "ComfyUI server, pictures" } as const;

const MAX_LISTED = 5;

export class ComfyServer implements AsyncDisposable {
  readonly #connection: ComfyConnection;
  readonly #models: ReadonlyMap<string, ServerModel>;

  constructor(url: string) {
    const connection = new ComfyConnection(url);
    this.#connection = connection;
    const modelOf = (kind: GraphUse["kind"]) => {
      const name = NAMES[kind];
      return [name, new ServerModel(defineGraphs(name), connection, kind)] as const;
    };
    this.#models = new Map([modelOf("stream"), modelOf("picture")]);
  }

  /** True for the name of a model that `nameFor` gave. */
  owns(name: string): boolean {
    return this.#models.has(name);
  }

  /**
   * As `GraphModels.plan`; throws `comfyui_unavailable`, too.
   *
   * @param lacks why the graphs go there: what does not run here
   */
  async nameFor(graphs: readonly string[], use: GraphUse, lacks: LacksNodes): Promise<string> {
    try {
      await this.#connection.plan(graphs, use);
      return NAMES[use.kind];
    } catch (error) {
      const { label } = this.#connection.client;
      throw error instanceof WorkerError ? explained(error, label, lacks) : error;
    }
  }

  chain(name: string): ModelChain {
    return modelChain(this.#model(name).definition, () => null);
  }

  /** Connects. Throws `comfyui_unavailable`. */
  async acquire(name: string): Promise<LoadedModel> {
    const model = this.#model(name);
    await this.#connection.socket();
    return model;
  }

  /** Whether it can run graphs. */
  async examine(): Promise<ComfyReport> {
    return await examine(this.#connection.client, () => this.#connection.socket());
  }

  /** Ends the runs in progress, and waits until the files of frames are blank. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }

  #model(name: string): ServerModel {
    const model = this.#models.get(name);
    if (model === undefined)
      throw new WorkerError("internal", `${name} is not a model of ComfyUI's`);
    return model;
  }
}

/** The error with why the graph goes to ComfyUI. While that is away, a misspelt class can be corrected all the same. */
function explained(error: WorkerError, label: string, { classes, lack }: LacksNodes): WorkerError {
  const { kind, message, details } = error;
  if (kind === "invalid_request") {
    const why = `the graph goes to ${label} because this does not run here: ${listed(classes)}`;
    return new WorkerError(kind, `${message}; ${why}`, { cause: error, details });
  }
  if (kind !== "comfyui_unavailable") return error;
  const why = `the graph goes there because a part of it does not run here: ${lack.message}`;
  return new WorkerError(kind, `${message}; ${why}`, { cause: error, details: lack.details });
}

function listed(classes: readonly string[]): string {
  const shown = classes.slice(0, MAX_LISTED).map((name) => shownName(name, 60));
  const more = classes.length - shown.length;
  return shown.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
