/** Combines a `model.json` with the signature of its ONNX file into a model definition, and reports every mismatch. */
import type { FieldProblem } from "../../errors.ts";
import { VECTOR_LENGTH } from "../prompts/controls.ts";
import type { ModelParam } from "../protocol/models.ts";
import type {
  FrameFormat,
  ModelDefinition,
  PixelFormat,
  ScalarInput,
  TextTensor,
} from "./definition.ts";
import { draftInput, draftOutput, fixedSize } from "./draft.ts";
import {
  type FrameInput,
  type ImageOutput,
  type ModelInput,
  type ModelJson,
  modelJsonError,
  type ParamInput,
  type TextInput,
} from "./model-json.ts";
import { describeTensor, type GraphSignature, type TensorSignature } from "./tensor-signature.ts";

/**
 * The model's definition: what `model.json` states, completed by what the signature suggests. Throws `model_failed`
 * that names each field which does not match the file.
 */
export function defineModel(
  name: string,
  json: ModelJson,
  signature: GraphSignature,
): ModelDefinition {
  const problems: FieldProblem[] = [];
  problems.push(...unknownNames("inputs", json.inputs, signature.inputs));
  problems.push(...unknownNames("outputs", json.outputs, signature.outputs));
  if (problems.length > 0) throw modelJsonError(problems);

  let frame: FrameFormat | null = null;
  const scalars: ScalarInput[] = [];
  const texts: TextTensor[] = [];
  for (const tensor of signature.inputs) {
    const field = `inputs.${tensor.name}`;
    const input = json.inputs?.[tensor.name] ?? draftInput(tensor, signature, frame !== null);
    if (input === null) {
      problems.push({ field, problem: noRole(tensor) });
    } else if (input.role === "text") {
      const text = textTensor(tensor, field, problems);
      if (text !== null) texts.push(text);
    } else if (input.role !== "frame") {
      const scalar = scalarInput(tensor, input, field, signature, problems);
      if (scalar !== null) scalars.push(scalar);
    } else if (frame !== null) {
      problems.push({
        field,
        problem: `has role "frame", which ${JSON.stringify(frame.tensor)} has already: a model takes one frame`,
      });
    } else {
      frame = frameFormat(tensor, input, field, problems);
    }
  }

  const described = Object.keys(json.outputs ?? {})[0];
  const output = signature.outputs.find(
    ({ name }) => described === undefined || name === described,
  );
  if (output === undefined)
    throw modelJsonError([{ field: "outputs", problem: "are missing from the ONNX file" }]);
  const image = pixelFormat(
    output,
    json.outputs?.[output.name],
    `outputs.${output.name}`,
    problems,
  );
  if (image.dtype === "uint8" && (image.range[0] !== 0 || image.range[1] !== 255)) {
    problems.push({ field: `outputs.${output.name}.range`, problem: BYTES_RANGE });
  }
  if (problems.length > 0) throw modelJsonError(problems);
  return {
    name,
    description: json.description ?? "",
    frame,
    scalars,
    texts,
    image,
    fit: json.fit ?? null,
  };
}

const BYTES_RANGE = "must be [0, 255] for a uint8 tensor: leave it out";

const noRole = (tensor: TensorSignature): string =>
  `has no role, and ${describeTensor(tensor)} suggests none: give it one in model.json ` +
  "(one frame; param, time, width or height for a tensor of one element; or text)";

function* unknownNames(
  field: "inputs" | "outputs",
  entries: Readonly<Record<string, unknown>> | undefined,
  tensors: readonly TensorSignature[],
): Generator<FieldProblem> {
  for (const name of Object.keys(entries ?? {})) {
    if (tensors.some((tensor) => tensor.name === name)) continue;
    const known = tensors.map(describeTensor).join(", ");
    yield {
      field: `${field}.${name}`,
      problem: `is not in the ONNX file; its ${field} are ${known}`,
    };
  }
}

function pixelFormat(
  tensor: TensorSignature,
  described: FrameInput | ImageOutput | undefined,
  field: string,
  problems: FieldProblem[],
): PixelFormat {
  const drafted = draftOutput(tensor);
  const layout = described?.layout ?? drafted?.layout;
  if (layout === undefined) {
    problems.push({
      field,
      problem: `does not have the shape of a picture: ${describeTensor(tensor)}`,
    });
    return { tensor: tensor.name, ...FALLBACK };
  }
  const dtype = described?.dtype ?? drafted?.dtype ?? "float32";
  if (tensor.dtype !== null && dtype !== tensor.dtype) {
    problems.push({
      field: `${field}.dtype`,
      problem: `is "${dtype}" but the tensor is ${tensor.dtype}: leave it out`,
    });
  }
  if (tensor.dims !== null && tensor.dims.length !== layout.length) {
    problems.push({
      field: `${field}.layout`,
      problem: `is "${layout}" (${layout.length} dimensions) but the tensor is ${describeTensor(tensor)}`,
    });
  }
  const depth = tensor.dims?.[layout.indexOf("c")];
  const channels = described?.channels ?? (depth === 1 ? "gray" : "rgb");
  if (typeof depth === "number" && depth !== (channels === "gray" ? 1 : 3)) {
    problems.push({
      field: `${field}.channels`,
      problem: `is "${channels}" but the tensor has ${depth} channels: ${describeTensor(tensor)}`,
    });
  }
  const range = described?.range ?? (dtype === "uint8" ? [0, 255] : [0, 1]);
  if (range[0] === range[1]) {
    problems.push({
      field: `${field}.range`,
      problem: `is [${range}]: the values of black and white must differ`,
    });
  }
  return { tensor: tensor.name, layout, channels, dtype, range };
}

const FALLBACK = { layout: "nchw", channels: "rgb", dtype: "float32", range: [0, 1] } as const;

function frameFormat(
  tensor: TensorSignature,
  input: FrameInput,
  field: string,
  problems: FieldProblem[],
): FrameFormat {
  const format = pixelFormat(tensor, input, field, problems);
  const { mean = [0], std = [1] } = input;
  const depth = format.channels === "gray" ? 1 : 3;
  for (const [name, list] of Object.entries({ mean, std })) {
    if (list.length === 1 || list.length === depth) continue;
    problems.push({
      field: `${field}.${name}`,
      problem: `has ${list.length} values; give 1 or ${depth}`,
    });
  }
  if (std.includes(0))
    problems.push({
      field: `${field}.std`,
      problem: "contains 0, by which samples cannot be divided",
    });
  const isNeutral = mean.every((each) => each === 0) && std.every((each) => each === 1);
  if (
    format.dtype === "uint8" &&
    !(isNeutral && format.range[0] === 0 && format.range[1] === 255)
  ) {
    problems.push({ field: `${field}.range`, problem: BYTES_RANGE });
  }
  const fixed = fixedSize(tensor, format.layout);
  const wanted = input.size === undefined || input.size === "free" ? null : input.size;
  const size = wanted === null ? fixed : { width: wanted[0], height: wanted[1] };
  if (
    fixed !== null &&
    (input.size === "free" || size?.width !== fixed.width || size.height !== fixed.height)
  ) {
    problems.push({
      field: `${field}.size`,
      problem: `is ${JSON.stringify(input.size)} but the file fixes [${fixed.width}, ${fixed.height}]`,
    });
  }
  return { ...format, mean, std, size, multipleOf: input.multiple_of ?? 1 };
}

/** A text input must be one row of as many floats as there are controls. */
function textTensor(
  tensor: TensorSignature,
  field: string,
  problems: FieldProblem[],
): TextTensor | null {
  const { dtype, dims } = tensor;
  const last = dims?.at(-1);
  const fits =
    (last === VECTOR_LENGTH || typeof last === "string") &&
    dims?.slice(0, -1).every((dim) => dim === 1 || typeof dim === "string");
  if (dtype !== "float32" || !dims || !fits) {
    problems.push({
      field,
      problem: `has role "text", which needs float32 [${VECTOR_LENGTH}], but the tensor is ${describeTensor(tensor)}`,
    });
    return null;
  }
  return {
    tensor: tensor.name,
    dims: dims.map((_, at) => (at < dims.length - 1 ? 1 : VECTOR_LENGTH)),
  };
}

function scalarInput(
  tensor: TensorSignature,
  input: Exclude<ModelInput, FrameInput | TextInput>,
  field: string,
  signature: GraphSignature,
  problems: FieldProblem[],
): ScalarInput | null {
  const { dtype, dims } = tensor;
  if (dtype === null || dims === null || dims.some((dim) => typeof dim === "number" && dim !== 1)) {
    problems.push({
      field,
      problem: `has role "${input.role}", which needs one number, but the tensor is ${describeTensor(tensor)}`,
    });
    return null;
  }
  const shape = { tensor: tensor.name, dtype, dims: dims.map(() => 1) };
  if (input.role !== "param") return { ...shape, role: input.role };
  const param = modelParam(tensor, input, signature);
  if (!(param.min <= param.default && param.default <= param.max)) {
    problems.push({
      field: `${field}.default`,
      problem: `is ${param.default}, outside ${param.min} to ${param.max}: correct default, min or max`,
    });
  }
  const sum = input.sum ?? false;
  if (sum && !dtype.startsWith("float")) {
    problems.push({
      field: `${field}.sum`,
      problem: `is true, which gives a fraction, but the tensor is ${describeTensor(tensor)}: make it float64`,
    });
  }
  return { ...shape, role: "param", param, sum };
}

function modelParam(
  tensor: TensorSignature,
  input: ParamInput,
  signature: GraphSignature,
): ModelParam {
  const drafted = draftInput(tensor, signature, true);
  const suggested = drafted?.role === "param" ? drafted : {};
  const from = { ...suggested, ...input };
  return {
    name: from.name ?? tensor.name,
    default: from.default ?? 0,
    min: from.min ?? 0,
    max: from.max ?? 1,
    integer: from.integer ?? false,
    description: from.description ?? "",
  };
}
