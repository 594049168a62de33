/** Reads the inputs of a node that runs: values of the graph itself, or what linked nodes gave. */
import { WorkerError } from "../../../errors.ts";
import type { CheckedNode } from "../check-node.ts";
import type { LinkValues, NodeValue } from "./values.ts";

export class NodeInputs {
  readonly node: CheckedNode;
  readonly #outputs: ReadonlyMap<string, readonly NodeValue[]>;

  /** `outputs`: of all nodes that have run, by id. */
  constructor(node: CheckedNode, outputs: ReadonlyMap<string, readonly NodeValue[]>) {
    this.node = node;
    this.#outputs = outputs;
  }

  /** What the input is linked to. Throws `invalid_request` where a `*` link carries something else. */
  link<Type extends keyof LinkValues>(name: string, type: Type): LinkValues[Type] {
    const found = this.value(name);
    if (found?.type === type) return found.value as LinkValues[Type];
    throw this.#wrong(name, type, found);
  }

  /** As `link`; null for an optional input that is absent. */
  optional<Type extends keyof LinkValues>(name: string, type: Type): LinkValues[Type] | null {
    return this.node.links.has(name) ? this.link(name, type) : null;
  }

  /** An INT or FLOAT. */
  number(name: string): number {
    const value = this.#value(name);
    if (typeof value === "number" || typeof value === "bigint") return Number(value);
    throw this.#wrong(name, "FLOAT", this.value(name));
  }

  /** An INT, exact beyond 2^53. */
  seed(name: string): bigint {
    const value = this.#value(name);
    if (typeof value === "number" || typeof value === "bigint") return BigInt(value);
    throw this.#wrong(name, "INT", this.value(name));
  }

  text(name: string): string {
    const value = this.#value(name);
    if (typeof value === "string") return value;
    throw this.#wrong(name, "STRING", this.value(name));
  }

  flag(name: string): boolean {
    const value = this.#value(name);
    if (typeof value === "boolean") return value;
    throw this.#wrong(name, "BOOLEAN", this.value(name));
  }

  #value(name: string): unknown {
    return this.node.values.get(name) ?? this.value(name)?.value;
  }

  /** What a link carries, whatever its type; undefined for an input without a link. */
  value(name: string): NodeValue | undefined {
    const link = this.node.links.get(name);
    return link === undefined ? undefined : this.#outputs.get(link.node)?.[link.output];
  }

  #wrong(name: string, type: string, found: NodeValue | undefined): WorkerError {
    const got = found === undefined ? "nothing" : `${found.type} by a link`;
    return new WorkerError("invalid_request", `${name} must be ${type}, got ${got}`);
  }
}
