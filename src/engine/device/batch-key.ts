/** Names what runs must have in common to be joined in one batch. */
import type { ModelDefinition } from "../models/definition.ts";
import type { PortValue, RunItem, StillPicture } from "../models/roles/role.ts";
import type { Tensor } from "../models/tensor.ts";

const hashOf = ({ data }: Tensor): string =>
  Bun.hash(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).toString(36);

/** Pictures are compared by identity: each gets a number. */
const numbers = new WeakMap<StillPicture, number>();
let last = 0;

/** Runs of one model with equal keys differ only in what has the graph's batch dimension. */
export function batchKey(definition: ModelDefinition, item: RunItem): string {
  const { picture, original, size, values } = item;
  const sizes = [picture ?? size, original ?? size].map(
    ({ width, height }) => `${width}x${height}`,
  );
  const shared = [...definition.inputs, ...definition.outputs]
    .filter(({ batched }) => !batched)
    .map(({ tensor }) => textOf(values[tensor]));
  return [...sizes, ...shared].join(" ");
}

function textOf(value: PortValue | undefined): string {
  if (typeof value !== "object") return String(value);
  if ("prompts" in value) return JSON.stringify(value);
  if ("dtype" in value) return `${value.dims} ${hashOf(value)}`; // a text embedding has 59,000 numbers
  const known = numbers.get(value) ?? ++last;
  numbers.set(value, known);
  return `picture ${known}`;
}
