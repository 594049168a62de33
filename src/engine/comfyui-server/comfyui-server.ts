/** The ComfyUI that the operator runs at COMFYUI_URL, as a source of models for graphs that cannot run here. */
import { WorkerError } from "../../errors.ts";
import type { LoadedModel } from "../device/loaded-model.ts";
import { defineGraphs } from "../models/graph-definition.ts";
import { type ModelChain, modelChain } from "../models/model-chain.ts";
import type { GraphUse } from "../protocol/work.ts";
import { ComfyConnection } from "./connection.ts";
import { ServerModel } from "./server-model.ts";

/** Shown while a stream waits. No folder of a model has a name with a space. */
const NAMES = { stream: "ComfyUI server", picture: "ComfyUI server, pictures" } as const;

export class ComfyServer implements Disposable {
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

  /** As `GraphModels.nameFor`; throws `comfyui_unavailable`, too. */
  async nameFor(graphs: readonly string[], use: GraphUse): Promise<string> {
    await this.#connection.plan(graphs, use);
    return NAMES[use.kind];
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

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }

  #model(name: string): ServerModel {
    const model = this.#models.get(name);
    if (model === undefined)
      throw new WorkerError("internal", `${name} is not a model of ComfyUI's`);
    return model;
  }
}
