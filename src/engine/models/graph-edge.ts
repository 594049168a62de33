/** Extends a graph at its inputs and outputs: roles add nodes before and after it, and tensors that they feed or read. */
import type { GraphProto, ValueInfoProto } from "onnx-buf";
import { GraphBuilder, type Value, value } from "./graph-builder.ts";
import { valueInfo } from "./onnx-messages.ts";
import type { ElementType } from "./tensor-signature.ts";

/** The video frame in the output's size, fed once for all ports that draw over it. */
export const ORIGINAL = "original";

/** The first operator set that has sequences; graphs with QuantizeLinear need 10, those in practice 13. */
const SEQUENCE_OPSET = 11;

const isQuantised = ({ node }: GraphProto): boolean =>
  node.some(({ opType }) => opType === "QuantizeLinear" || opType.startsWith("QLinear"));

export class GraphEdge {
  /** Nodes before the graph. */
  readonly before: GraphBuilder;
  /** Nodes after it. */
  readonly after: GraphBuilder;
  /** Free in graphs whose frame has a batch dimension; else 1. */
  readonly batch: "N" | 1;
  readonly #graph: GraphProto;
  readonly #prefix: string;
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];
  readonly #replaced = new Set<string>();
  readonly #names = new Map<string, string>();
  #original: Value | null = null;

  constructor(graph: GraphProto, opset: number, batch: "N" | 1) {
    this.#graph = graph;
    this.batch = batch;
    this.#prefix = freePrefix(graph);
    const isolatesTransposes = opset >= SEQUENCE_OPSET && isQuantised(graph);
    const options = { opset, isolatesTransposes };
    this.before = new GraphBuilder({ prefix: `${this.#prefix}in/`, ...options });
    this.after = new GraphBuilder({ prefix: `${this.#prefix}out/`, ...options });
  }

  /** The first dimension of what a port is fed with. */
  batchOf({ batched }: { readonly batched: boolean }): "N" | 1 {
    return batched ? this.batch : 1;
  }

  /** Declares an input that a role feeds under `key`. A string in `dims` is a free dimension. */
  feed(key: string, dtype: ElementType, dims: readonly (number | string)[]): Value {
    const name = this.#prefix + key;
    this.#names.set(key, name);
    this.#inputs.push(valueInfo(name, dtype, dims));
    return value(name);
  }

  /** Feeds the graph's own input `tensor` with a value made before the graph. */
  replace(tensor: string, by: Value): void {
    this.before.rename(by, tensor);
    this.#replaced.add(tensor);
  }

  /** Declares an output that a role reads under `key`; null where its dimensions are not known. */
  output(
    key: string,
    from: Value,
    dtype: ElementType,
    dims: readonly (number | string)[] | null,
  ): void {
    const name = this.#prefix + key;
    this.#names.set(key, name);
    this.after.rename(from, name);
    this.#outputs.push(valueInfo(name, dtype, dims));
  }

  /** Reads the graph's own output under its name. */
  keep(tensor: string): void {
    const own = this.#graph.output.find(({ name }) => name === tensor);
    if (own !== undefined) this.#outputs.push(own);
    this.#names.set(tensor, tensor);
  }

  /** uint8 `[N, 3, H, W]`: the video frame in the output's size. */
  original(): Value {
    this.#original ??= this.feed(ORIGINAL, "uint8", [
      this.batch,
      3,
      "original height",
      "original width",
    ]);
    return this.#original;
  }

  /** The name in the finished graph of what a role calls `key`. */
  nameOf(key: string): string {
    return this.#names.get(key) ?? key;
  }

  /** Keys of all declared outputs. */
  get outputKeys(): readonly string[] {
    const declared = new Set(this.#outputs.map(({ name }) => name));
    return [...this.#names].filter(([, name]) => declared.has(name)).map(([key]) => key);
  }

  /** Puts the new nodes, inputs and outputs into the graph. */
  apply(): void {
    const graph = this.#graph;
    graph.input = [...this.#inputs, ...graph.input.filter(({ name }) => !this.#replaced.has(name))];
    graph.output = this.#outputs;
    graph.node.unshift(...this.before.nodes);
    graph.node.push(...this.after.nodes);
  }
}

/** A prefix of no name in the graph or in the subgraphs of its nodes. */
function freePrefix(graph: GraphProto): string {
  const names = [...namesIn(graph)];
  let prefix = "byoc/";
  while (names.some((name) => name.startsWith(prefix))) prefix = `byoc-${prefix}`;
  return prefix;
}

function* namesIn(graph: GraphProto): Generator<string> {
  for (const { name } of [...graph.input, ...graph.output, ...graph.initializer]) yield name;
  for (const node of graph.node) {
    yield node.name;
    yield* node.input;
    yield* node.output;
    for (const { g, graphs } of node.attribute) {
      for (const inner of g === undefined ? graphs : [g, ...graphs]) yield* namesIn(inner);
    }
  }
}
