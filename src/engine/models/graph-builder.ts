/** Builds ONNX graphs from code: each call adds a node and returns the name of its output. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type ValueInfoProto,
} from "onnx-buf";
import { type Attribute, attribute, tensor, valueInfo } from "./onnx-messages.ts";
import { ELEMENT_TYPES, type ElementType } from "./tensor-signature.ts";

/** The name of a tensor inside one graph. */
export type Value = string & { readonly unit: "onnx value" };

/** The value of a tensor that the builder did not make, such as one of a graph that is being extended. */
export const value = (name: string): Value => name as Value;

/** The lowest operator set that has all operators used here. */
export const OPSET = 17;
const IR_VERSION = 8n;

/** Nodes whose names share a prefix, so that they cannot collide with others. The same calls give the same bytes. */
export class GraphBuilder {
  /** The nodes so far; inside a branch, those of the branch. */
  nodes: NodeProto[] = [];
  #made = 0;
  readonly #prefix: string;
  /** Version of the operator set. */
  readonly opset: number;
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];

  readonly #isolatesTransposes: boolean;

  /** `isolatesTransposes`: see `transpose`. */
  constructor(options: { prefix?: string; opset?: number; isolatesTransposes?: boolean } = {}) {
    this.#prefix = options.prefix ?? "";
    this.#isolatesTransposes = options.isolatesTransposes ?? false;
    this.opset = options.opset ?? OPSET;
  }

  /** Declares an input of the graph. A string in `dims` is a free dimension of that name; `[]` is a scalar. */
  input(name: string, dtype: ElementType, dims: readonly (number | string)[]): Value {
    this.#inputs.push(valueInfo(name, dtype, dims));
    return value(name);
  }

  /** Declares `from` as the graph's output `name`. */
  output(name: string, from: Value, dtype: ElementType, dims: readonly (number | string)[]): void {
    this.rename(from, name);
    this.#outputs.push(valueInfo(name, dtype, dims));
  }

  /** A constant of `float32`, `int64`, … values in row-major order. */
  constant(dtype: ElementType, dims: readonly number[], values: ArrayLike<number>): Value {
    return this.node("Constant", [], { value: tensor(dtype, dims, values) });
  }

  /** One operator with one output. */
  node(op: string, inputs: readonly Value[], attributes: Record<string, Attribute> = {}): Value {
    const output = `${this.#prefix}${op.toLowerCase()}_${this.#made}`;
    this.#push(op, inputs, output, attributes);
    return value(output);
  }

  /**
   * The result of `then` where `condition` (bool, one element) is true, else of `otherwise`; only that branch is
   * computed. Values made inside a branch cannot be used outside.
   */
  when(condition: Value, then: () => Value, otherwise: () => Value): Value {
    const branches = { then_branch: this.#branch(then), else_branch: this.#branch(otherwise) };
    return this.node("If", [condition], branches);
  }

  /** As `node`, of an operator of ONNX Runtime's own. Whoever builds the model imports their domain, `com.microsoft`. */
  runtimeNode(
    op: string,
    inputs: readonly Value[],
    attributes: Record<string, Attribute> = {},
  ): Value {
    const result = this.node(op, inputs, attributes);
    const made = this.nodes.at(-1);
    if (made !== undefined) made.domain = "com.microsoft";
    return result;
  }

  /**
   * What `step` makes of `initial`, and of each result again, as long as `again` (bool, one element) is true; at most
   * `most` times. The state is float32 and keeps its shape. Values made inside a step cannot be used outside.
   */
  repeat(
    initial: Value,
    most: number,
    step: (state: Value) => { readonly state: Value; readonly again: Value },
  ): Value {
    const body = this.#body((name) => {
      const state = value(`${name}_state`);
      const next = step(state);
      return {
        inputs: [
          valueInfo(`${name}_count`, "int64", []),
          valueInfo(`${name}_again`, "bool", []),
          valueInfo(state, "float32", null),
        ],
        results: [next.again, next.state],
      };
    });
    const limits = [this.constant("int64", [], [most]), this.constant("bool", [], [1])];
    return this.node("Loop", [...limits, initial], { body });
  }

  /**
   * Goes through `sequence` along its first dimension, carrying states from element to element, and returns the output
   * of each, stacked. All are float32, and states keep their shapes. Values made inside a step cannot be used outside.
   */
  scan(
    initial: readonly Value[],
    sequence: Value,
    step: (
      states: readonly Value[],
      element: Value,
    ) => { readonly states: readonly Value[]; readonly output: Value },
  ): Value {
    const body = this.#body((name) => {
      const states = initial.map((_, index) => value(`${name}_state_${index}`));
      const element = value(`${name}_element`);
      const next = step(states, element);
      return {
        inputs: [...states, element].map((each) => valueInfo(each, "float32", null)),
        results: [...next.states, next.output],
      };
    });
    const outputs = [...initial, sequence].map(() => value(`${this.#prefix}scan_${this.#made++}`));
    this.nodes.push(
      create(NodeProtoSchema, {
        opType: "Scan",
        name: `${this.#prefix}${this.#made++}`,
        input: [...initial, sequence],
        output: outputs,
        attribute: [attribute("body", body), attribute("num_scan_inputs", 1n)],
      }),
    );
    return outputs.at(-1) as Value;
  }

  /** Gives a value a second name, by which the rest of the graph knows it. */
  rename(from: Value, name: string): void {
    this.#push("Identity", [from], name, {});
  }

  /** Converts to another element type; floats are truncated towards zero. */
  cast(from: Value, dtype: ElementType): Value {
    return this.node("Cast", [from], { to: BigInt(ELEMENT_TYPES[dtype]) });
  }

  /**
   * Reorders dimensions. ONNX Runtime moves transposes through a graph until they cancel with others; in quantised
   * graphs that changes which operators it computes with integers, and so the results. An isolated transpose stays
   * where it is: what passes through a sequence is not optimized across.
   */
  transpose(from: Value, ...perm: readonly number[]): Value {
    const ordered = this.node("Transpose", [from], { perm: perm.map(BigInt) });
    if (!this.#isolatesTransposes) return ordered;
    const sequence = this.node("SequenceConstruct", [ordered]);
    return this.node("SequenceAt", [sequence, this.constant("int64", [], [0])]);
  }

  /** Removes a dimension of 1. */
  squeeze(from: Value, axis: number): Value {
    return this.#withAxis("Squeeze", from, axis);
  }

  /** Adds a dimension of 1. */
  unsqueeze(from: Value, axis: number): Value {
    return this.#withAxis("Unsqueeze", from, axis);
  }

  /** The bytes of the ONNX file. */
  build(name: string): Uint8Array<ArrayBuffer> {
    return new Uint8Array(
      toBinary(
        ModelProtoSchema,
        create(ModelProtoSchema, {
          irVersion: IR_VERSION,
          producerName: "comfystream-byoc",
          opsetImport: [{ domain: "", version: BigInt(this.opset) }],
          graph: { name, node: this.nodes, input: this.#inputs, output: this.#outputs },
        }),
      ),
    );
  }

  /** The graph of one step of a loop. */
  #body(
    make: (name: string) => {
      readonly inputs: readonly ValueInfoProto[];
      readonly results: readonly Value[];
    },
  ): GraphProto {
    const outer = this.nodes;
    this.nodes = [];
    const name = `${this.#prefix}loop_${this.#made++}`;
    const { inputs, results } = make(name);
    // The results must be made by nodes of the step, even where they are values from outside.
    const made = results.map((each) => this.node("Identity", [each]));
    const output = made.map((each) => ({ name: each }));
    const graph = create(GraphProtoSchema, { name, node: this.nodes, input: [...inputs], output });
    this.nodes = outer;
    return graph;
  }

  #branch(make: () => Value): GraphProto {
    const outer = this.nodes;
    this.nodes = [];
    // The result must be made by a node of the branch, even where it is a value from outside.
    const result = this.node("Identity", [make()]);
    const name = `${this.#prefix}branch_${this.#made}`;
    const graph = create(GraphProtoSchema, { name, node: this.nodes, output: [{ name: result }] });
    this.nodes = outer;
    return graph;
  }

  /** The axes moved from an attribute to an input in operator set 13. */
  #withAxis(op: "Squeeze" | "Unsqueeze", from: Value, axis: number): Value {
    return this.opset < 13
      ? this.node(op, [from], { axes: [BigInt(axis)] })
      : this.node(op, [from, this.constant("int64", [1], [axis])]);
  }

  #push(
    op: string,
    inputs: readonly Value[],
    output: string,
    attributes: Record<string, Attribute>,
  ): void {
    this.nodes.push(
      create(NodeProtoSchema, {
        opType: op,
        name: `${this.#prefix}${this.#made++}`,
        input: [...inputs],
        output: [output],
        attribute: Object.entries(attributes).map(([name, content]) => attribute(name, content)),
      }),
    );
  }
}
