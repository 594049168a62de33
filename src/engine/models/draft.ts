/** Drafts a `model.json` from the signature of an ONNX file, by the shapes that models usually have. */
import type { Size } from "../protocol/work.ts";
import type {
  Channels,
  ImageOutput,
  Layout,
  ModelInput,
  ModelJson,
  PixelType,
} from "./model-json.ts";
import type { ElementType, GraphSignature, TensorSignature } from "./tensor-signature.ts";

/**
 * A first `model.json` for a file: every tensor has the role that its shape suggests, and floats range from 0 to 1.
 * Tensors that fit no role are left out; `defineModel` then reports them.
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

/** The role that an input's shape suggests: the first picture is the frame, a single number is a parameter. */
export function draftInput(
  tensor: TensorSignature,
  signature: GraphSignature,
  hasFrame: boolean,
): ModelInput | null {
  if (isScalar(tensor)) return draftParam(tensor, signature);
  const pixels = hasFrame ? null : draftPixels(tensor);
  if (pixels === null) return null;
  const size = fixedSize(tensor, pixels.layout);
  return { role: "frame", ...pixels, size: size === null ? "free" : [size.width, size.height] };
}

/** The picture that an output's shape suggests; null for other shapes. */
export function draftOutput(tensor: TensorSignature): ImageOutput | null {
  const pixels = draftPixels(tensor);
  return pixels && { role: "image", ...pixels };
}

function draftPixels(tensor: TensorSignature) {
  const { dims, dtype } = tensor;
  const layout = draftLayout(tensor);
  if (layout === null || !isPixelType(dtype)) return null;
  const channels: Channels = dims?.[layout.indexOf("c")] === 1 ? "gray" : "rgb";
  const range: [number, number] = dtype === "uint8" ? [0, 255] : [0, 1];
  return { layout, channels, dtype, range };
}

/** The size that the tensor's dimensions fix; null where it is free. */
export function fixedSize({ dims }: TensorSignature, layout: Layout): Size | null {
  const width = dims?.[layout.indexOf("w")];
  const height = dims?.[layout.indexOf("h")];
  return typeof width === "number" && typeof height === "number" ? { width, height } : null;
}

/** From the file's metadata `param:<tensor>` = `min,max,default`, as onnx-cv-graph writes it; else 0 to 1, default 1. */
function draftParam({ name, dtype }: TensorSignature, { metadata }: GraphSignature): ModelInput {
  const stated = metadata.get(`param:${name}`)?.split(",").map(Number) ?? [];
  const [min = 0, max = 1, fallback = 1] = stated.every(Number.isFinite) ? stated : [];
  const integer = dtype !== null && !dtype.startsWith("float");
  return { role: "param", name, default: fallback, min, max, integer, description: "" };
}

const isScalar = ({ dims, dtype }: TensorSignature): boolean =>
  dtype !== null && dims !== null && dims.length < 3 && dims.every((dim) => dim === 1);

/** The dimension of 3 (or 1) is the channel; where there is none, channels come first, as in PyTorch. */
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

const isPixelType = (dtype: ElementType | null): dtype is PixelType =>
  dtype === "float32" || dtype === "float16" || dtype === "uint8";
