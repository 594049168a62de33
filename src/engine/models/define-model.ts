/** Combines a `model.json` with the signature of its ONNX file into a model definition, and reports every mismatch. */
import type { FieldProblem } from "../../errors.ts";
import { VECTOR_LENGTH } from "../prompts/controls.ts";
import type { NumberParam } from "../protocol/models.ts";
import { frameFormat, imageFormat } from "./define-pixels.ts";
import type { FrameFormat, ModelDefinition, ScalarInput, TextTensor } from "./definition.ts";
import { draftInput } from "./draft.ts";
import {
  type FrameInput,
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
  const field = `outputs.${output.name}`;
  const image = imageFormat(output, json.outputs?.[output.name], field, problems);
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
): NumberParam {
  const drafted = draftInput(tensor, signature, true);
  const suggested = drafted?.role === "param" ? drafted : {};
  const from = { ...suggested, ...input };
  return {
    type: "number",
    name: from.name ?? tensor.name,
    default: from.default ?? 0,
    min: from.min ?? 0,
    max: from.max ?? 1,
    integer: from.integer ?? false,
    description: from.description ?? "",
  };
}
