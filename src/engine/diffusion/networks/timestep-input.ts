/** Lets a denoiser that was exported with one timestep take one for each row of a batch. */

import { create } from "@bufbuild/protobuf";
import type { GraphProto } from "onnx-buf";
import { type TensorShapeProto_Dimension, TensorShapeProto_DimensionSchema } from "onnx-buf";
import type { Tensor } from "../../models/tensor.ts";
import type { TensorSignature } from "../../models/tensor-signature.ts";
import { numbersFor } from "./network.ts";

const TIMESTEP = "timestep";

/**
 * Denoisers repeat their timestep for all rows: diffusers makes a list of one of it (`Unsqueeze`, where it is a scalar)
 * and expands that list to the batch. Such a graph computes the same with a list of as many timesteps as rows, so the
 * input's only dimension becomes free. Graphs that use the timestep in another way stay as they are.
 */
export function widenTimestep(graph: GraphProto): void {
  const type = graph.input.find(({ name }) => name === TIMESTEP)?.type?.value;
  if (type?.case !== "tensorType" || type.value.shape === undefined) return;
  const { shape } = type.value;
  const readers = graph.node.filter(({ input }) => input.includes(TIMESTEP));
  if (shape.dim.length === 0) {
    if (!readers.every(({ opType }) => opType === "Unsqueeze")) return;
    for (const node of readers) {
      node.opType = "Identity";
      node.input = [TIMESTEP];
      node.attribute = [];
    }
  } else if (shape.dim.length > 1 || !readers.every(({ opType }) => opType === "Expand")) {
    return;
  }
  shape.dim = [freeDimension()];
}

const freeDimension = (): TensorShapeProto_Dimension =>
  create(TensorShapeProto_DimensionSchema, { value: { case: "dimParam", value: "timesteps" } });

/**
 * True if the rows of a run may be at timesteps of their own.
 *
 * @param fixedRows the number of rows that every run has; null where the network takes any
 */
export function takesTimestepPerRow({ dims }: TensorSignature, fixedRows: number | null): boolean {
  const [steps] = dims ?? [];
  return steps !== undefined && (typeof steps === "string" || steps === fixedRows);
}

/** One timestep for all `rows`, or one each: as a scalar, a list of one, or a list of as many as rows. */
export function timestepTensor(
  input: TensorSignature,
  timestep: number | readonly number[],
  rows: number,
): Tensor {
  const all = typeof timestep === "number" ? [timestep] : timestep;
  if (input.dims?.length === 0) return numbersFor(input, [], all.slice(0, 1));
  if (all.length > 1) return numbersFor(input, [all.length], all);
  const [one = 0] = all;
  const count = input.dims?.[0] === rows ? rows : 1;
  return numbersFor(input, [count], new Array<number>(count).fill(one));
}
