/** The ComfyUI graphs of one stream or picture: finds the model that runs them, and tries them before they are used. */
import type { FieldProblem } from "../../field-problem.ts";
import type { LoadedModel } from "../device/loaded-model.ts";
import type { ModelHost } from "../device/model-host.ts";
import type { GraphUse, StreamParams } from "../protocol/work.ts";
import { tryGraphs } from "./graph-trial.ts";
import type { NodeOptions } from "./plan-node.ts";

type Graphs = StreamParams["graphs"];

export interface StreamGraphsOptions extends Pick<NodeOptions, "key" | "calls" | "signal"> {
  readonly host: Pick<ModelHost, "planGraphs">;
  readonly hasInput: boolean;
  /** Default: a stream. */
  readonly kind?: GraphUse["kind"];
}

/** A run of graphs before they are used. */
interface Trial {
  readonly graphs: readonly string[];
  readonly model: LoadedModel;
  /** Aborted when other graphs are asked for. */
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

export class StreamGraphs {
  readonly #options: StreamGraphsOptions;
  #inUse: Graphs;
  #warnings: readonly FieldProblem[] = [];
  /** The trial in progress. */
  #trial: Trial | null = null;

  constructor(options: StreamGraphsOptions) {
    this.#options = options;
  }

  /** The same list until they change; undefined while a model runs that is not made of graphs. */
  get inUse(): Graphs {
    return this.#inUse;
  }

  /** What is wrong with parts of those that a model was asked for last, which do not run. */
  get warnings(): readonly FieldProblem[] {
    return this.#warnings;
  }

  areInUse(graphs: Graphs): boolean {
    return Bun.deepEquals(this.#inUse, graphs);
  }

  /** The name of the model that runs them. Throws `invalid_request` with what is wrong with them, and `comfyui_unavailable`. */
  async modelFor(graphs: readonly string[]): Promise<string> {
    const { host, hasInput, kind = "stream" } = this.#options;
    const { model, warnings } = await host.planGraphs(graphs, { kind, hasInput });
    this.#warnings = warnings;
    return model;
  }

  /** Ends the trial of other graphs than these. */
  want(graphs: Graphs): void {
    if (this.#trial === null || Bun.deepEquals(this.#trial.graphs, graphs)) return;
    this.#trial.stop.abort(new DOMException("newer graphs were asked for", "AbortError"));
  }

  /** Runs graphs that are not in use once, and throws what they throw. A picture is made once: its run is trial enough. */
  async try({ graphs, size }: StreamParams, model: LoadedModel | undefined): Promise<void> {
    if (graphs === undefined || model === undefined || this.areInUse(graphs)) return;
    if (this.#options.kind === "picture") return;
    const running = this.#trial;
    if (running?.model === model && Bun.deepEquals(running.graphs, graphs)) {
      return await running.done;
    }
    const stop = new AbortController();
    const signal = AbortSignal.any([this.#options.signal, stop.signal]);
    const output = size === undefined ? {} : { size };
    const done = tryGraphs(model, graphs, output, { ...this.#options, signal });
    const trial = { graphs, model, stop, done };
    this.#trial = trial;
    try {
      await done;
    } finally {
      if (this.#trial === trial) this.#trial = null;
    }
  }

  /** From the next frame on. Returns whether they are others than before. */
  use(graphs: Graphs): boolean {
    if (this.areInUse(graphs)) return false;
    this.#inUse = graphs;
    return true;
  }
}
