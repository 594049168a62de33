/** Combines the description of a picture tensor with its signature into a pixel format, and reports mismatches. */
import type { FieldProblem } from "../../errors.ts";
import type { FrameFormat, PixelFormat } from "./definition.ts";
import { draftOutput, fixedSize } from "./draft.ts";
import type { FrameInput, ImageOutput } from "./model-json.ts";
import { describeTensor, type TensorSignature } from "./tensor-signature.ts";

const BYTES_RANGE = "must be [0, 255] for a uint8 tensor: leave it out";

/** The format of the output picture. Adds what does not match to `problems`. */
export function imageFormat(
  tensor: TensorSignature,
  described: ImageOutput | undefined,
  field: string,
  problems: FieldProblem[],
): PixelFormat {
  const format = pixelFormat(tensor, described, field, problems);
  const [black, white] = format.range;
  if (format.dtype === "uint8" && (black !== 0 || white !== 255)) {
    problems.push({ field: `${field}.range`, problem: BYTES_RANGE });
  }
  return format;
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

/** The format of the input that takes the video frame. Adds what does not match to `problems`. */
export function frameFormat(
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
