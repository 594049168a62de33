/** Makes the parts of an ONNX file: descriptions of tensors, attributes, constants. */
import { create } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  type TensorProto,
  TensorProtoSchema,
  type TensorShapeProto_Dimension,
  TensorShapeProto_DimensionSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { ELEMENT_TYPES, type ElementType } from "./tensor-signature.ts";

/** `bigint` becomes an ONNX int and `number` a float: operators distinguish them. */
export type Attribute = bigint | number | string | readonly bigint[] | TensorProto | GraphProto;

/** Describes an input or output of a graph; null where its dimensions are not known. */
export function valueInfo(
  name: string,
  dtype: ElementType,
  dims: readonly (number | string)[] | null,
): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: "tensorType",
        value: {
          elemType: ELEMENT_TYPES[dtype],
          ...(dims !== null && { shape: { dim: dims.map(dimension) } }),
        },
      },
    },
  });
}

const dimension = (dim: number | string): TensorShapeProto_Dimension =>
  create(TensorShapeProto_DimensionSchema, {
    value:
      typeof dim === "number"
        ? { case: "dimValue", value: BigInt(dim) }
        : { case: "dimParam", value: dim },
  });

/** An attribute of a node. */
export function attribute(name: string, content: Attribute): AttributeProto {
  const Type = AttributeProto_AttributeType;
  if (typeof content === "bigint") {
    return create(AttributeProtoSchema, { name, type: Type.INT, i: content });
  }
  if (typeof content === "number") {
    return create(AttributeProtoSchema, { name, type: Type.FLOAT, f: content });
  }
  if (typeof content === "string") {
    const s = new TextEncoder().encode(content);
    return create(AttributeProtoSchema, { name, type: Type.STRING, s });
  }
  if ("$typeName" in content && content.$typeName === "onnx.GraphProto") {
    return create(AttributeProtoSchema, { name, type: Type.GRAPH, g: content });
  }
  if ("$typeName" in content) {
    return create(AttributeProtoSchema, { name, type: Type.TENSOR, t: content });
  }
  return create(AttributeProtoSchema, { name, type: Type.INTS, ints: [...content] });
}

/** A tensor with these values. */
export function tensor(
  dtype: ElementType,
  dims: readonly number[],
  values: ArrayLike<number>,
): TensorProto {
  return create(TensorProtoSchema, {
    dataType: ELEMENT_TYPES[dtype],
    dims: dims.map(BigInt),
    rawData: new Uint8Array(elements(dtype, values).buffer),
  });
}

/** ONNX raw data is little-endian, as are all machines that ONNX Runtime supports. */
function elements(dtype: ElementType, values: ArrayLike<number>): { buffer: ArrayBuffer } {
  switch (dtype) {
    case "float32":
      return new Float32Array(values);
    case "float64":
      return new Float64Array(values);
    case "float16":
      return new Float16Array(values);
    case "uint8":
    case "bool":
      return new Uint8Array(values);
    case "int8":
      return new Int8Array(values);
    case "int32":
      return new Int32Array(values);
    case "int64":
      return BigInt64Array.from(Array.from(values, BigInt));
  }
}
