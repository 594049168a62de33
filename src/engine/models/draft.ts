/** What an ONNX file's signature suggests a model's description to be: the conventions by which shapes are read. */
import type { Size } from "./definition.ts";
import type { ImageOutput, Layout, ModelInput, ModelJson, PixelType } from "./model-json.ts";
import type { ElementType, GraphSignature, TensorSignature } from "./tensor-signature.ts";

/**
 * A first `model.json` for a file: every tensor with the role its shape suggests, floats taken to
 * run from 0 to 1. Tensors that no role fits are left out; `defineModel` then says so.
 */
export function draftModel(file: string, signature: GraphSignature): ModelJson {
  const inputs: Record<string, ModelInput> = {};
  let hasFrame = false;
  for (const tensor of signature.inputs) {
    const input = draftInput(tensor, signature, hasFrame);
    if (input !== null) inputs[tensor.name] = input;
    hasFrame ||= input?.role === "frame";
  }
  const [tensor] = signature.outputs;
  const image = tensor === undefined ? null : draftOutput(tensor);
  return {
    description: "",
    file,
    inputs,
    ...(tensor !== undefined && image !== null && { outputs: { [tensor.name]: image } }),
  };
}

/** The role an input's shape suggests: the first picture is the frame, one number a parameter. */
export function draftInput(
  tensor: TensorSignature,
  signature: GraphSignature,
  hasFrame: boolean,
): ModelInput | null {
  if (isScalar(tensor)) return draftParam(tensor, signature);
  const layout = draftLayout(tensor);
  if (layout === null || !isPixelType(tensor.dtype) || hasFrame) return null;
  const size = fixedSize(tensor, layout);
  return {
    role: "frame",
    layout,
    channels: draftChannels(tensor, layout),
    dtype: tensor.dtype,
    range: tensor.dtype === "uint8" ? [0, 255] : [0, 1],
    size: size === null ? "free" : [size.width, size.height],
  };
}

/** The picture an output seems to be; null when its shape is none. */
export function draftOutput(tensor: TensorSignature): ImageOutput | null {
  const layout = draftLayout(tensor);
  if (layout === null || !isPixelType(tensor.dtype)) return null;
  return {
    role: "image",
    layout,
    channels: draftChannels(tensor, layout),
    dtype: tensor.dtype,
    range: tensor.dtype === "uint8" ? [0, 255] : [0, 1],
  };
}

/** The size that a file fixes for its pictures; null where it is free. */
export function fixedSize({ dims }: TensorSignature, layout: Layout): Size | null {
  const width = dims?.[layout.indexOf("w")];
  const height = dims?.[layout.indexOf("h")];
  return typeof width === "number" && typeof height === "number" ? { width, height } : null;
}

/** Files may carry `param:<tensor>` = `min,max,default` (onnx-cv-graph does); else 0 … 1, default 1. */
function draftParam({ name, dtype }: TensorSignature, { metadata }: GraphSignature): ModelInput {
  const told = metadata.get(`param:${name}`)?.split(",").map(Number) ?? [];
  const [min = 0, max = 1, fallback = 1] = told.every(Number.isFinite) ? told : [];
  const integer = dtype !== null && !dtype.startsWith("float");
  return { role: "param", name, default: fallback, min, max, integer, description: "" };
}

const isScalar = ({ dims, dtype }: TensorSignature): boolean =>
  dtype !== null && dims !== null && dims.length < 3 && dims.every((dim) => dim === 1);

/** Where 3 (or 1) stands is the channel; with none to see, channels come first as in PyTorch. */
function draftLayout({ dims }: TensorSignature): Layout | null {
  if (dims === null) return "nchw";
  if (dims.length !== 3 && dims.length !== 4) return null;
  const first = dims[dims.length - 3];
  const last = dims[dims.length - 1];
  const channelsLast = isDepth(last) && !isDepth(first) && first !== "C";
  if (dims.length === 4) return channelsLast ? "nhwc" : "nchw";
  return channelsLast ? "hwc" : "chw";
}

const isDepth = (dim: number | string | undefined): boolean => dim === 1 || dim === 3;

const draftChannels = ({ dims }: TensorSignature, layout: Layout): "rgb" | "gray" =>
  dims?.[layout.indexOf("c")] === 1 ? "gray" : "rgb";

const isPixelType = (dtype: ElementType | null): dtype is PixelType =>
  dtype === "float32" || dtype === "float16" || dtype === "uint8";
