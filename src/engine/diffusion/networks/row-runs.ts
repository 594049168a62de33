/** Splits a batch into runs of as many rows as a network's file fixes, and joins their outputs. */
import { joined, parts, type Tensor } from "../../models/tensor.ts";

/** A batch: the first dimension of all tensors is the number of rows. */
export interface BatchInput {
  readonly sample: Tensor;
  /** One for all rows, or one each. */
  readonly timestep: number | readonly number[];
  readonly embeddings: Tensor;
  /** Other inputs by name. */
  readonly extras?: Readonly<Record<string, Tensor>>;
}

/** Gives what `run` gives for the whole batch. The last run is filled up with copies of the last row. */
export async function runRows(
  input: BatchInput,
  fixedRows: number | null,
  run: (input: BatchInput) => Promise<Readonly<Record<string, Tensor>>>,
): Promise<Readonly<Record<string, Tensor>>> {
  const rows = input.sample.dims[0] ?? 1;
  if (fixedRows === null || fixedRows === rows) return await run(input);
  const outputs = new Map<string, Tensor[]>();
  for (let first = 0; first < rows; first += fixedRows) {
    const places = Array.from({ length: fixedRows }, (_, at) => Math.min(first + at, rows - 1));
    for (const [name, tensor] of Object.entries(await run(rowsOf(input, places)))) {
      const known = outputs.get(name) ?? [];
      known.push(...parts(tensor, fixedRows));
      outputs.set(name, known);
    }
  }
  return Object.fromEntries(
    [...outputs].map(([name, tensors]) => [name, joined(tensors.slice(0, rows))]),
  );
}

function rowsOf(
  { sample, timestep, embeddings, extras = {} }: BatchInput,
  places: readonly number[],
): BatchInput {
  const chosen = (tensor: Tensor): Tensor => {
    const rows = parts(tensor, tensor.dims[0] ?? 1);
    return joined(places.map((place) => rows[place] as Tensor));
  };
  return {
    sample: chosen(sample),
    embeddings: chosen(embeddings),
    timestep: typeof timestep === "number" ? timestep : places.map((at) => timestep[at] as number),
    extras: Object.fromEntries(Object.entries(extras).map(([name, one]) => [name, chosen(one)])),
  };
}
