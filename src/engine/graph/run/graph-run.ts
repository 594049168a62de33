/** Runs a graph node by node: once what does not depend on the video's frame, and the rest for every frame. Used in workers. */
import { reason, WorkerError } from "../../../errors.ts";
import type { CheckedNode } from "../check-node.ts";
import type { Step } from "../execution-order.ts";
import { unsupported } from "../node-support.ts";
import type { ImageSessions } from "./image-sessions.ts";
import type { ModelParts } from "./model-parts.ts";
import { NodeInputs } from "./node-inputs.ts";
import type { GraphEdges, RunContext } from "./node-runner.ts";
import { takeTurns } from "./take-turns.ts";
import { MAX_VALUE_BYTES, ValueBudget } from "./value-budget.ts";
import type { Images, NodeValue } from "./values.ts";

export interface GraphRunOptions {
  readonly models: ModelParts;
  readonly images: ImageSessions;
  readonly edges: GraphEdges;
  /** By default as ComfyUI draws step noise today: see `sampleLatent`. */
  readonly stepSeed?: RunContext["stepSeed"];
  /** The run of an earlier graph: nodes that are the same, and all that they need, keep their outputs. */
  readonly previous?: GraphRun;
  /** Of the pictures, masks and latents that all nodes give. */
  readonly maxValueBytes?: number;
}

export interface RunRequest {
  /** For LoadTensor; null where there is no video. */
  readonly frame?: Images | null;
  /** Looked at between two nodes and between the evaluations of a sampler; its reason is thrown. */
  readonly signal?: AbortSignal;
}

/**
 * A graph in its order of execution.
 *
 * ```ts
 * const graph = withoutPageNodes(forStream(parseGraph(json)));
 * const validation = validate(graph, known);
 * const run = new GraphRun(executionOrder(validation), { models, images, edges });
 * await run.run({ frame });
 * ```
 */
export class GraphRun {
  readonly #steps: readonly Step[];
  readonly #options: GraphRunOptions;
  readonly #keys: ReadonlyMap<string, string>;
  /** Outputs of nodes that do not depend on the frame, by key. */
  readonly #kept = new Map<string, readonly NodeValue[]>();

  /** Throws `invalid_request` that names the nodes that do not run here. */
  constructor(steps: readonly Step[], options: GraphRunOptions) {
    const missing = unsupported(steps.map(({ node }) => node));
    if (missing.length > 0) {
      const labels = missing.map(({ label }) => label).join(", ");
      throw new WorkerError("invalid_request", `these nodes do not run here: ${labels}`);
    }
    this.#steps = steps;
    this.#options = options;
    this.#keys = keysOf(steps);
    if (options.previous !== undefined) this.#adopt(options.previous.#kept);
  }

  /** Runs all output nodes, which emit their results. One call at a time. */
  async run({
    frame = null,
    signal,
  }: RunRequest = {}): Promise<ReadonlyMap<string, readonly NodeValue[]>> {
    const { models, images, edges, stepSeed = "next" } = this.#options;
    const outputs = new Map<string, readonly NodeValue[]>();
    const budget = new ValueBudget(this.#options.maxValueBytes ?? MAX_VALUE_BYTES);
    const context: RunContext = {
      models,
      images,
      frame,
      stepSeed,
      signal: signal ?? null,
      loadImage: (name) => edges.loadImage(name),
      loadLatent: (name) => edges.loadLatent(name),
      emit: (result) => edges.emit(result),
    };
    for (const { node, isLive } of this.#steps) {
      await takeTurns(context.signal);
      const key = isLive || node.nodeClass.isOutput ? undefined : this.#keys.get(node.id);
      const kept = key === undefined ? undefined : this.#kept.get(key);
      const values = kept ?? (await this.#runNode(node, outputs, context));
      budget.add(node, values);
      if (key !== undefined) this.#kept.set(key, values);
      outputs.set(node.id, values);
    }
    return outputs;
  }

  #adopt(earlier: ReadonlyMap<string, readonly NodeValue[]>): void {
    for (const key of this.#keys.values()) {
      const values = earlier.get(key);
      if (values !== undefined) this.#kept.set(key, values);
    }
  }

  async #runNode(
    node: CheckedNode,
    outputs: ReadonlyMap<string, readonly NodeValue[]>,
    context: RunContext,
  ): Promise<readonly NodeValue[]> {
    const inputs = new NodeInputs(node, outputs);
    const { run } = node.nodeClass;
    try {
      return await (run === undefined ? context.images.run(inputs) : run(inputs, context));
    } catch (error) {
      context.signal?.throwIfAborted();
      // Fragments name their node themselves.
      const problem = reason(error).replace(`${node.label}: `, "");
      const kind = error instanceof WorkerError ? error.kind : "internal";
      const details = [{ field: "prompts", problem, node: node.id, class_type: node.sentClass }];
      throw new WorkerError(kind, `${node.label}: ${problem}`, { cause: error, details });
    }
  }
}

/** What a node computes, as a text: its class, its values, and what its links compute. */
function keysOf(steps: readonly Step[]): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  for (const { node } of steps) {
    const links = [...node.links].map(([name, { node: id, output }]) => [
      name,
      keys.get(id),
      output,
    ]);
    const values = [...node.values].map(([name, value]) => [name, typeof value, String(value)]);
    const content = JSON.stringify([node.className, links, values]);
    keys.set(node.id, new Bun.CryptoHasher("sha256").update(content).digest("base64"));
  }
  return keys;
}
