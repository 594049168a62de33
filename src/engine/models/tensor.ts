/** Tensors as they cross threads and enter sessions, and how they are filled, joined and split. */
import type { ElementType } from "./tensor-signature.ts";

export type TensorValues =
  | Uint8Array
  | Int8Array
  | Float32Array
  | Float64Array
  | Int32Array
  | BigInt64Array;

/** Row-major; `data` spans its whole buffer, which may be shared. */
export interface Tensor {
  /** No float16: ONNX Runtime cannot make such tensors from JavaScript, so graphs convert at their edge. */
  readonly dtype: ElementType;
  readonly dims: readonly number[];
  readonly data: TensorValues;
}

/** A new array of `length` elements that a tensor of this type holds. */
export function valuesOf(dtype: ElementType, numbers: readonly number[]): TensorValues {
  switch (dtype) {
    case "float32":
    case "float16":
      return Float32Array.from(numbers);
    case "float64":
      return Float64Array.from(numbers);
    case "int32":
      return Int32Array.from(numbers, Math.round);
    case "int64":
      return BigInt64Array.from(numbers, (each) => BigInt(Math.round(each)));
    case "int8":
      return Int8Array.from(numbers, Math.round);
    case "uint8":
      return Uint8Array.from(numbers, Math.round);
    case "bool":
      return Uint8Array.from(numbers, (each) => (each === 0 ? 0 : 1));
  }
}

/** float16 becomes float32, which enters graphs in its place. */
export const edgeType = (dtype: ElementType): Exclude<ElementType, "float16"> =>
  dtype === "float16" ? "float32" : dtype;

/** Number of elements. */
export const countOf = (dims: readonly number[]): number =>
  dims.reduce((product, dim) => product * dim, 1);

/** A tensor with every element equal to `number`. */
export function filled(dtype: ElementType, dims: readonly number[], number: number): Tensor {
  const [one] = [valuesOf(dtype, [number])];
  const data = new (one.constructor as Float32ArrayConstructor)(countOf(dims));
  const value = one[0];
  if (value) data.fill(value as number);
  return { dtype: edgeType(dtype), dims, data };
}

/** Takes the data as it is. */
export const floatTensor = (data: Float32Array, dims: readonly number[]): Tensor => ({
  dtype: "float32",
  dims,
  data,
});

/** A copy of the arrays, one after the other. */
export function concatFloats(arrays: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const all = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}

/** As `concatFloats`, but a single array is given as it is. */
export const joinedFloats = (arrays: readonly Float32Array[]): Float32Array =>
  arrays.length === 1 && arrays[0] !== undefined ? arrays[0] : concatFloats(arrays);

/** Joins tensors along their first dimension. */
export function joined(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors;
  if (first === undefined) throw new Error("there is no tensor to join");
  if (tensors.length === 1) return first;
  const length = tensors.reduce((sum, { data }) => sum + data.length, 0);
  const data = new (first.data.constructor as Uint8ArrayConstructor)(length);
  let at = 0;
  for (const tensor of tensors) {
    data.set(tensor.data as Uint8Array, at); // all have the same type
    at += tensor.data.length;
  }
  const rows = tensors.reduce((sum, { dims }) => sum + (dims[0] ?? 1), 0);
  return { dtype: first.dtype, dims: [rows, ...first.dims.slice(1)], data };
}

/**
 * Splits a tensor of `count` rows into copies of them; for one part it is the tensor itself. Throws for any other number
 * of rows: they could not be assigned to the items of the batch.
 */
export function parts({ dtype, dims, data }: Tensor, count: number): Tensor[] {
  if (count === 1) return [{ dtype, dims, data }];
  if (dims[0] !== count) {
    throw new Error(`a tensor [${dims.join(", ")}] cannot be split into ${count} parts`);
  }
  const length = data.length / count;
  return Array.from({ length: count }, (_, part) => ({
    dtype,
    dims: [1, ...dims.slice(1)],
    data: data.slice(part * length, (part + 1) * length),
  }));
}
