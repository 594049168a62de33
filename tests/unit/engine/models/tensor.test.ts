import { expect, test } from "bun:test";
import {
  countOf,
  edgeType,
  filled,
  joined,
  parts,
  type Tensor,
  valuesOf,
} from "../../../../src/engine/models/tensor.ts";
import { ELEMENT_TYPES, type ElementType } from "../../../../src/engine/models/tensor-signature.ts";

const floats = (dims: readonly number[], ...numbers: number[]): Tensor => ({
  dtype: "float32",
  dims,
  data: Float32Array.from(numbers),
});

const TYPES = Object.keys(ELEMENT_TYPES) as ElementType[];

test("numbers become elements of the tensor's type, whole ones where it has no fractions", () => {
  expect(valuesOf("float32", [0.5, 2])).toEqual(Float32Array.of(0.5, 2));
  expect(valuesOf("float64", [0.1])).toEqual(Float64Array.of(0.1));
  expect(valuesOf("int64", [1.6, -1.6])).toEqual(BigInt64Array.of(2n, -2n));
  expect(valuesOf("int32", [1.6])).toEqual(Int32Array.of(2));
  expect(valuesOf("int8", [-1.6])).toEqual(Int8Array.of(-2));
  expect(valuesOf("uint8", [254.6])).toEqual(Uint8Array.of(255));
  expect(valuesOf("bool", [0, 1, 0.5])).toEqual(Uint8Array.of(0, 1, 1));
});

test("half precision enters as float32", () => {
  expect(valuesOf("float16", [0.5])).toEqual(Float32Array.of(0.5));
  expect(edgeType("float16")).toBe("float32");
  expect(filled("float16", [2], 1)).toEqual(floats([2], 1, 1));
});

test.each(TYPES)("a tensor of %s is filled with one number, zero too", (dtype) => {
  for (const number of [0, 1]) {
    const tensor = filled(dtype, [2, 3], number);
    expect([tensor.dtype, tensor.dims]).toEqual([edgeType(dtype), [2, 3]]);
    expect(Array.from(tensor.data, Number)).toEqual(new Array(6).fill(number));
  }
});

test("a tensor without dimensions has one element", () => {
  expect([countOf([]), countOf([2, 3]), countOf([0, 3])]).toEqual([1, 6, 0]);
  expect(filled("float32", [], 7)).toEqual(floats([], 7));
});

test("tensors are joined along their first dimension and split again", () => {
  const a = floats([1, 2], 1, 2);
  const b = floats([1, 2], 3, 4);
  const both = joined([a, b]);
  expect(both).toEqual(floats([2, 2], 1, 2, 3, 4));
  expect(parts(both, 2)).toEqual([a, b]);
  expect(parts(floats([2], 1, 2), 2)).toEqual([floats([1], 1), floats([1], 2)]);
});

test("whole numbers of 64 bits are joined and split as well", () => {
  const one: Tensor = { dtype: "int64", dims: [1], data: BigInt64Array.of(5n) };
  const other: Tensor = { dtype: "int64", dims: [1], data: BigInt64Array.of(6n) };
  expect(parts(joined([one, other]), 2)).toEqual([one, other]);
});

test("one tensor alone is not copied", () => {
  const alone = floats([1, 2], 1, 2);
  expect(joined([alone])).toBe(alone);
  expect(parts(alone, 1)[0]?.data).toBe(alone.data);
});

test("parts own their memory", () => {
  const [first, second] = parts(floats([2], 1, 2), 2);
  expect(first?.data.buffer).not.toBe(second?.data.buffer as ArrayBuffer);
  expect(first?.data.byteLength).toBe(first?.data.buffer.byteLength ?? 0);
});

test.each([[[3]], [[1, 4]], [[]]])("a tensor %j cannot be split in two", (dims) => {
  expect(() => parts(filled("float32", dims, 1), 2)).toThrow(
    `a tensor [${dims.join(", ")}] cannot be split into 2 parts`,
  );
});
