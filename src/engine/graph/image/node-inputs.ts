/** Gives a node's fragment its inputs, linked or written, by name and with their types. */
import { WorkerError } from "../../../errors.ts";
import type { CheckedNode } from "../check-node.ts";
import type { Link } from "../graph.ts";
import type { GraphValue, ImageValue, MaskValue } from "./graph-value.ts";
import type { ImageMath } from "./image-math.ts";

/**
 * Adds what one node computes to the graph, and returns an entry for each output of its class. Throws
 * `invalid_request` for values that cannot be computed.
 */
export type Fragment = (inputs: NodeInputs, math: ImageMath) => readonly GraphValue[];

export class NodeInputs {
  readonly #node: CheckedNode;
  readonly #output: (link: Link) => GraphValue;

  /** @param output the outputs of the nodes that this one needs */
  constructor(node: CheckedNode, output: (link: Link) => GraphValue) {
    this.#node = node;
    this.#output = output;
  }

  image(name: string): ImageValue {
    const found = this.#linked(name);
    if (found?.kind === "image") return found;
    throw this.refusal(name, "must be a link to a picture");
  }

  mask(name: string): MaskValue {
    const found = this.#linked(name);
    if (found?.kind === "mask") return found;
    throw this.refusal(name, "must be a link to a mask");
  }

  optionalImage(name: string): ImageValue | null {
    return this.#linked(name) === undefined ? null : this.image(name);
  }

  optionalMask(name: string): MaskValue | null {
    return this.#linked(name) === undefined ? null : this.mask(name);
  }

  number(name: string): number {
    const value = Number(this.plain(name));
    if (Number.isNaN(value)) throw this.refusal(name, "must be a number");
    return value;
  }

  word(name: string): string {
    return String(this.plain(name));
  }

  flag(name: string): boolean {
    return Boolean(this.plain(name));
  }

  /** An integer of 64 bits in decimal. */
  seed(name: string): string {
    return String(this.plain(name));
  }

  plain(name: string): number | string | boolean | bigint {
    const linked = this.#linked(name);
    const value = linked?.kind === "plain" ? linked.value : this.#node.values.get(name);
    if (value === undefined || typeof value === "object") {
      throw this.refusal(name, "must be a value that is known before the graph runs");
    }
    return value;
  }

  /** An error that names the node and the input. */
  refusal(input: string, problem: string): WorkerError {
    return new WorkerError("invalid_request", `${this.#node.label}: ${input} ${problem}`);
  }

  #linked(name: string): GraphValue | undefined {
    const link = this.#node.links.get(name);
    return link === undefined ? undefined : this.#output(link);
  }
}
