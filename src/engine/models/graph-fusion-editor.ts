/** Finds the neighbours and constants of a graph's nodes, and replaces nodes by others. */
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
  type ValueInfoProto,
} from "onnx-buf";
import { GraphBuilder, type Value } from "./graph-builder.ts";

export class GraphEditor {
  readonly opset: number;
  readonly #graph: GraphProto;
  readonly #prefix: string;
  readonly #producers = new Map<string, NodeProto>();
  readonly #uses = new Map<string, number>();
  readonly #tensors = new Map<string, TensorProto>();
  readonly #replacements = new Map<NodeProto, readonly NodeProto[]>();

  constructor(graph: GraphProto, version: { opset: number; irVersion: number }) {
    this.opset = version.opset;
    this.#graph = graph;
    for (const node of graph.node.filter(hasOnnxOperator)) {
      for (const output of node.output) this.#producers.set(output, node);
      const constant = node.opType === "Constant" ? attributeOf(node, "value")?.t : undefined;
      if (constant !== undefined) this.#tensors.set(node.output[0] ?? "", constant);
    }
    // From IR version 4 on, an initializer that is also an input is only its default value.
    const inputs = new Set(version.irVersion < 4 ? [] : graph.input.map(({ name }) => name));
    for (const tensor of graph.initializer) {
      if (!inputs.has(tensor.name)) this.#tensors.set(tensor.name, tensor);
    }
    const names = new Set(usedNames(graph, this.#uses));
    let prefix = "fused/";
    while ([...names].some((name) => name.startsWith(prefix))) prefix = `fused-${prefix}`;
    this.#prefix = prefix;
  }

  /** The node that computes `name`, if it has this operator of ONNX itself. */
  producer(name: string | undefined, op: string): NodeProto | undefined {
    const node = this.#producers.get(name ?? "");
    return node?.opType === op ? node : undefined;
  }

  /** How many inputs of nodes and outputs of the graph are this value; those of subgraphs count. */
  uses(name: string | undefined): number {
    return this.#uses.get(name ?? "") ?? 0;
  }

  /**
   * The only user of a value; undefined where there are several, where the value is an output of the graph, and where
   * the user is an operator of another domain than ONNX's own.
   */
  consumer(name: string | undefined): NodeProto | undefined {
    if (name === undefined || this.uses(name) !== 1) return undefined;
    const node = this.#graph.node.find(({ input }) => input.includes(name));
    return node && hasOnnxOperator(node) ? node : undefined;
  }

  /** The dimensions of a constant; its elements may lie in another file. */
  constantDims(name: string | undefined): readonly number[] | undefined {
    return this.#tensors.get(name ?? "")?.dims.map(Number);
  }

  /**
   * The dimensions that the file declares for a value. Undefined where an input of the graph has a free dimension:
   * exporters then often declare the sizes of one example.
   */
  declaredDims(name: string | undefined): readonly number[] | undefined {
    const { input, output, valueInfo, initializer } = this.#graph;
    const weights = new Set(initializer.map((each) => each.name));
    const pictures = input.filter((each) => !weights.has(each.name));
    if (pictures.some((each) => fixedDims(each) === undefined)) return undefined;
    const declared = [...output, ...valueInfo].find((each) => each.name === name);
    return declared && fixedDims(declared);
  }

  /** A copy of the elements of a float32 constant that the model itself holds. */
  floats(name: string | undefined): ArrayLike<number> | undefined {
    const tensor = this.#inline(name, TensorProto_DataType.FLOAT);
    if (tensor === undefined) return undefined;
    return tensor.rawData.length > 0 ? new Float32Array(aligned(tensor)) : tensor.floatData;
  }

  /** A float32 constant of one element, which gives a tensor of rank 4 no dimension when both are combined. */
  scalar(name: string | undefined): number | undefined {
    const dims = this.constantDims(name);
    const isOne = dims !== undefined && dims.length <= 4 && dims.every((dim) => dim === 1);
    return isOne ? this.floats(name)?.[0] : undefined;
  }

  /** True if a weight or constant has half the bits of a float32. */
  get hasHalfFloats(): boolean {
    const { FLOAT16, BFLOAT16 } = TensorProto_DataType;
    return [...this.#tensors.values()].some(
      ({ dataType }) => dataType === FLOAT16 || dataType === BFLOAT16,
    );
  }

  /** The elements of an int64 constant that the model itself holds. */
  ints(name: string | undefined): readonly number[] | undefined {
    const tensor = this.#inline(name, TensorProto_DataType.INT64);
    if (tensor === undefined) return undefined;
    const elements =
      tensor.rawData.length > 0 ? new BigInt64Array(aligned(tensor)) : tensor.int64Data;
    return Array.from(elements, Number);
  }

  /** Whether `floats` would give elements; reads none. */
  holdsFloats(name: string | undefined): boolean {
    return this.#inline(name, TensorProto_DataType.FLOAT) !== undefined;
  }

  /** Whether a constant is float32; its elements may lie in another file. */
  isFloat(name: string | undefined): boolean {
    return this.#tensors.get(name ?? "")?.dataType === TensorProto_DataType.FLOAT;
  }

  /**
   * Replaces `node` by what `build` adds; the value that it returns takes the place of the node's output. The nodes
   * before `node` that nothing needs any more are removed by `finish`.
   */
  replace(node: NodeProto, build: (graph: GraphBuilder) => Value): void {
    const prefix = `${this.#prefix}${this.#replacements.size}/`;
    const graph = new GraphBuilder({ prefix, opset: this.opset });
    const result = build(graph);
    for (const made of graph.nodes) {
      made.output = made.output.map((name) => (name === result ? (node.output[0] ?? "") : name));
    }
    this.#replacements.set(node, graph.nodes);
  }

  /** Puts the replacements in place, and removes the nodes and initializers that only the replaced nodes needed. */
  finish(): void {
    if (this.#replacements.size === 0) return;
    const graph = this.#graph;
    graph.node = graph.node.flatMap((node) => this.#replacements.get(node) ?? [node]);
    const uses = new Map<string, number>();
    usedNames(graph, uses);
    const lostItsUses = (name: string): boolean => !uses.get(name) && this.#uses.has(name);
    // Nodes stand behind those whose values they use: backwards, one pass finds whole chains.
    const unneeded = new Set<NodeProto>();
    for (const node of graph.node.toReversed()) {
      if (!node.output.every(lostItsUses)) continue;
      unneeded.add(node);
      for (const name of node.input) uses.set(name, (uses.get(name) ?? 0) - 1);
    }
    const inputs = new Set(graph.input.map(({ name }) => name));
    graph.node = graph.node.filter((node) => !unneeded.has(node));
    graph.initializer = graph.initializer.filter(
      ({ name }) => inputs.has(name) || !lostItsUses(name),
    );
  }

  #inline(name: string | undefined, type: TensorProto_DataType): TensorProto | undefined {
    const tensor = this.#tensors.get(name ?? "");
    const here = tensor?.dataLocation !== TensorProto_DataLocation.EXTERNAL;
    return here && tensor?.dataType === type ? tensor : undefined;
  }
}

/** Other domains may have operators of the same names. */
export const hasOnnxOperator = ({ domain }: NodeProto): boolean =>
  domain === "" || domain === "ai.onnx";

export const attributeOf = (node: NodeProto, name: string): AttributeProto | undefined =>
  node.attribute.find((each) => each.name === name);

/** A list of integers; `fallback` where the node does not have the attribute. */
export const intsOf = (
  node: NodeProto,
  name: string,
  fallback: readonly number[],
): readonly number[] => attributeOf(node, name)?.ints.map(Number) ?? fallback;

/** A string; `fallback` where the node does not have the attribute. */
export function stringOf(node: NodeProto, name: string, fallback: string): string {
  const found = attributeOf(node, name);
  return found === undefined ? fallback : new TextDecoder().decode(found.s);
}

/** The dimensions of a tensor; undefined where one of them is free or unknown. */
function fixedDims({ type }: ValueInfoProto): readonly number[] | undefined {
  const shape = type?.value.case === "tensorType" ? type.value.value.shape : undefined;
  const dims = shape?.dim.map(({ value }) => (value.case === "dimValue" ? Number(value.value) : 0));
  return dims?.every((dim) => dim > 0) ? dims : undefined;
}

/** Raw data may lie at any offset of a larger buffer; typed arrays need an aligned one. */
const aligned = ({ rawData }: TensorProto): ArrayBuffer => rawData.slice().buffer;

/** Counts the uses of each value in `uses`, and returns all names. */
function usedNames(graph: GraphProto, uses: Map<string, number>): string[] {
  const use = (name: string): void => void uses.set(name, (uses.get(name) ?? 0) + 1);
  const names = [...graph.input, ...graph.initializer].map(({ name }) => name);
  for (const { name } of graph.output) use(name);
  for (const node of graph.node) {
    node.input.forEach(use);
    names.push(node.name, ...node.output);
    for (const { g, graphs, type } of node.attribute) {
      if (
        type !== AttributeProto_AttributeType.GRAPH &&
        type !== AttributeProto_AttributeType.GRAPHS
      )
        continue;
      for (const inner of g === undefined ? graphs : [g, ...graphs])
        names.push(...usedNames(inner, uses));
    }
  }
  return [...names, ...uses.keys()];
}
