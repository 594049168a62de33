/** Parses ONNX files and reads the signature of their graph: names, element types and dimensions of its tensors. */
import { fromBinary } from "@bufbuild/protobuf";
import {
  type ModelProto,
  ModelProtoSchema,
  TensorProto_DataType,
  type ValueInfoProto,
} from "onnx-buf";
import { reason, WorkerError } from "../../errors.ts";

/** Element types that inputs and outputs may have, with their codes in ONNX. */
export const ELEMENT_TYPES = {
  float32: TensorProto_DataType.FLOAT,
  float16: TensorProto_DataType.FLOAT16,
  float64: TensorProto_DataType.DOUBLE,
  uint8: TensorProto_DataType.UINT8,
  int8: TensorProto_DataType.INT8,
  int32: TensorProto_DataType.INT32,
  int64: TensorProto_DataType.INT64,
  bool: TensorProto_DataType.BOOL,
} as const;

export type ElementType = keyof typeof ELEMENT_TYPES;

/** One input or output of a graph. */
export interface TensorSignature {
  readonly name: string;
  /** Null for types that no role can take: strings, complex numbers, sequences and others. */
  readonly dtype: ElementType | null;
  /** A number for a fixed dimension, its symbol (or "?") for a free one; null when the rank is unknown. */
  readonly dims: readonly (number | string)[] | null;
}

/** The inputs and outputs of a graph. Initializers that older files list as inputs are left out. */
export interface GraphSignature {
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
  /** The file's metadata properties, e.g. `param:gain` = `min,max,default`. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Version of the default operator set. */
  readonly opset: number;
}

/** Parses an ONNX file; its weights are views of `bytes`. Throws `model_failed` for other content. */
export function parseGraph(bytes: Uint8Array): ModelProto {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    throw new WorkerError("model_failed", `this is not an ONNX file: ${reason(error)}`, {
      cause: error,
    });
  }
  if (model.graph === undefined || model.graph.output.length === 0) {
    throw new WorkerError(
      "model_failed",
      "this is not an ONNX file: it contains no graph with outputs",
    );
  }
  return model;
}

/** The signature of a parsed model. */
export function signatureOf(model: ModelProto): GraphSignature {
  const { graph } = model;
  const initializers = new Set(graph?.initializer.map(({ name }) => name));
  return {
    inputs: (graph?.input ?? []).filter(({ name }) => !initializers.has(name)).map(tensorSignature),
    outputs: (graph?.output ?? []).map(tensorSignature),
    metadata: new Map(model.metadataProps.map(({ key, value }) => [key, value])),
    opset: Number(model.opsetImport.find(({ domain }) => isDefaultDomain(domain))?.version ?? 1n),
  };
}

/** How messages name a tensor: `"name" float32 [1, 3, H, W]`. */
export function describeTensor({ name, dtype, dims }: TensorSignature): string {
  const shape = dims === null ? "of unknown rank" : `[${dims.join(", ")}]`;
  return `${JSON.stringify(name)} ${dtype ?? "of another type"} ${shape}`;
}

const isDefaultDomain = (domain: string): boolean => domain === "" || domain === "ai.onnx";

function tensorSignature({ name, type }: ValueInfoProto): TensorSignature {
  if (type?.value.case !== "tensorType") return { name, dtype: null, dims: null };
  const { elemType, shape } = type.value.value;
  return {
    name,
    dtype: elementType(elemType),
    dims:
      shape?.dim.map(({ value }) => {
        // Older exporters of Paddle and TensorFlow write −1 for a free dimension.
        if (value.case === "dimValue") return value.value > 0n ? Number(value.value) : "?";
        return value.case === "dimParam" && value.value !== "" ? value.value : "?";
      }) ?? null,
  };
}

function elementType(code: number): ElementType | null {
  for (const [name, known] of Object.entries(ELEMENT_TYPES)) {
    if (known === code) return name as ElementType;
  }
  return null;
}
