/** Bounds the memory of all outputs of a graph's nodes: a few kilobytes of JSON can ask for terabytes of pictures. */
import { WorkerError } from "../../../errors.ts";
import type { CheckedNode } from "../check-node.ts";
import type { NodeValue } from "./values.ts";

/** Of one run: about ten pictures of 4096x4096 in float32. */
export const MAX_VALUE_BYTES = 2 * 2 ** 30;

/** Counts the pictures, masks and latents of one run, each once however many nodes pass it on. */
export class ValueBudget {
  readonly #most: number;
  readonly #counted = new Set<ArrayBufferLike>();
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#most = mostBytes;
  }

  /** Call after each node. Throws `invalid_request` with the node at which the graph becomes too large. */
  add(node: CheckedNode, values: readonly NodeValue[]): void {
    for (const { buffer } of values.flatMap(arraysIn)) {
      if (this.#counted.has(buffer)) continue;
      this.#counted.add(buffer);
      this.#bytes += buffer.byteLength;
    }
    if (this.#bytes <= this.#most) return;
    const mebibytes = Math.floor(this.#most / 2 ** 20);
    throw new WorkerError(
      "invalid_request",
      `${node.label}: with what it gives, the graph holds more than ${mebibytes} MiB; use fewer nodes or smaller pictures`,
    );
  }
}

function arraysIn({ type, value }: NodeValue): Float32Array[] {
  if (type === "IMAGE") return [value.data];
  if (type === "MASK") return [value.values];
  if (type !== "LATENT") return [];
  return value.noiseMask === undefined ? [value.samples] : [value.samples, value.noiseMask.values];
}
