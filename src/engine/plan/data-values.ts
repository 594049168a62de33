/** Puts the numbers of data outputs into the form in which they are reported. */
import type { RunOutput } from "../device/worker/calls.ts";
import type { ModelDefinition } from "../models/definition.ts";
import type { DataOutputPort } from "../models/roles/data-output.ts";
import type { Tensor } from "../models/tensor.ts";
import type { DataReport, DataValue } from "../protocol/messages.ts";

/**
 * By output name, or by the id of the node that says a text. Null for a model without data outputs, and for a frame that
 * it did not see.
 */
export function dataReport(
  { outputs }: Pick<ModelDefinition, "outputs">,
  { data, texts = {} }: Pick<RunOutput, "data" | "texts">,
): DataReport["values"] | null {
  const ports = outputs.filter((port): port is DataOutputPort => port.role === "data");
  const values = ports.flatMap((port) => {
    const tensor = data[port.tensor];
    return tensor === undefined ? [] : [[port.tensor, reported(port, tensor)] as const];
  });
  const said = Object.entries(texts).map(([node, text]) => [node, { text }] as const);
  const all = [...values, ...said];
  return all.length === 0 ? null : Object.fromEntries(all);
}

function reported({ labels, limit }: DataOutputPort, { data }: Tensor): DataValue {
  if (labels.length === 0 || data.length !== labels.length) {
    return Array.from(data.subarray(0, limit), Number).map(rounded);
  }
  return labels
    .map((label, at) => ({ label, score: rounded(Number(data[at])) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, limit);
}

/** JSON has finite numbers alone, and six digits are enough. */
const rounded = (number: number): number =>
  Number.isFinite(number) ? Number(number.toPrecision(6)) : 0;
