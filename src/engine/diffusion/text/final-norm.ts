/** Reads a text encoder's final layer norm from its ONNX graph, to apply it to the output of earlier layers. */
import { type ModelProto, type NodeProto, type TensorProto, TensorProto_DataType } from "onnx-buf";
import type { NormWeights } from "./clip-skip.ts";

/** CLIP's own, where the graph does not state it. */
const EPSILON = 1e-5;

/** Which inputs of a whole layer norm are scale and shift. The second is what ONNX Runtime's optimizer makes of it. */
const NORMS: Readonly<Record<string, readonly [scale: number, shift: number]>> = {
  LayerNormalization: [1, 2],
  SkipLayerNormalization: [2, 3],
};

/**
 * The norm that gives the output `last_hidden_state`: one node, or (up to opset 16) a multiplication and an addition
 * after the arithmetic of the norm itself. Null where the graph ends in another way, or its weights are not in the
 * model: they are small, so `readOnnxSkeleton` keeps them.
 */
export function finalNorm({ graph }: ModelProto): NormWeights | null {
  const producers = new Map(
    graph?.node.flatMap((node) => node.output.map((name) => [name, node] as const)),
  );
  const tensors = new Map(graph?.initializer.map((tensor) => [tensor.name, tensor]));
  const producer = (name: string | undefined): NodeProto | undefined => {
    const node = producers.get(name ?? "");
    const copies = node?.opType === "Identity" || node?.opType === "Cast";
    return copies ? (producer(node.input[0]) ?? node) : node;
  };
  /** Exporters store equal weights once, and give them their other names by Identity. */
  const weights = (name = ""): Float32Array | null => {
    const tensor = tensors.get(name);
    if (tensor !== undefined) return floats(tensor);
    const node = producers.get(name);
    if (node?.opType === "Identity" || node?.opType === "Cast") return weights(node.input[0]);
    const value = node?.opType === "Constant" ? node.attribute[0]?.t : undefined;
    return value ? floats(value) : null;
  };
  /** Of two operands the constant one and the node that gives the other. */
  const constantOperand = ({ input: [a, b] }: NodeProto) => {
    const constant = weights(b);
    return constant
      ? { constant, other: producer(a) }
      : { constant: weights(a), other: producer(b) };
  };

  const last = producer("last_hidden_state");
  if (last === undefined) return null;
  const [scaleInput, shiftInput] = NORMS[last.opType] ?? [];
  if (scaleInput !== undefined && shiftInput !== undefined) {
    const epsilon = last.attribute.find(({ name }) => name === "epsilon")?.f ?? EPSILON;
    return norm(weights(last.input[scaleInput]), weights(last.input[shiftInput]), epsilon);
  }
  if (last.opType !== "Add") return null;
  const { constant: shift, other } = constantOperand(last);
  return other?.opType === "Mul" ? norm(constantOperand(other).constant, shift, EPSILON) : null;
}

const norm = (
  scale: Float32Array | null,
  shift: Float32Array | null,
  epsilon: number,
): NormWeights | null =>
  scale && shift && scale.length === shift.length ? { scale, shift, epsilon } : null;

function floats({ dataType, rawData, floatData }: TensorProto): Float32Array | null {
  const raw = new Uint8Array(rawData).buffer; // typed arrays need an aligned one
  if (dataType === TensorProto_DataType.FLOAT) {
    return raw.byteLength > 0 ? new Float32Array(raw) : Float32Array.from(floatData);
  }
  if (dataType === TensorProto_DataType.FLOAT16) return Float32Array.from(new Float16Array(raw));
  return null;
}
