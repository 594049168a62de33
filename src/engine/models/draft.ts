/** Suggests roles for the inputs and outputs of an ONNX file by the names and shapes that models usually have. */
import type { ModelJson, PortEntry } from "./model-json.ts";
import { fixedSize, isPixelType, layoutOf } from "./roles/pixels.ts";
import type { GraphSignature, TensorSignature } from "./tensor-signature.ts";

type Entries = Record<string, PortEntry>;

/**
 * A first `model.json` for a file: every tensor has the role that it suggests. Inputs that suggest none are left out;
 * `defineModel` then reports them.
 */
export function draftModel(file: string, signature: GraphSignature): ModelJson {
  const inputs = draftInputs(signature, {});
  return { description: "", file, inputs, outputs: draftOutputs(signature, inputs, {}) };
}

/** Entries for the inputs that are not in `given`: the first picture is the frame, a single number is a parameter. */
export function draftInputs(signature: GraphSignature, given: Readonly<Entries>): Entries {
  const drafted: Entries = {};
  let hasFrame = Object.values(given).some(({ role }) => role === "frame");
  const pairs = statePairs(signature);
  // A model that only changes pictures may call them alike: the one picture that it takes is its frame.
  const canBeFrame = ({ name }: TensorSignature): boolean => !(name in given) && !pairs.has(name);
  const hasOther = hasFrame || signature.inputs.some((each) => canBeFrame(each) && isPicture(each));
  for (const tensor of signature.inputs) {
    if (given[tensor.name] !== undefined) continue;
    const isFrame = !hasOther && !hasFrame && isPicture(tensor);
    const output = isFrame ? undefined : pairs.get(tensor.name);
    const entry: PortEntry | null =
      output === undefined
        ? draftInput(tensor, hasFrame ? "second" : "frame")
        : { role: "state", output };
    if (entry === null) continue;
    drafted[tensor.name] = entry;
    hasFrame ||= entry.role === "frame";
  }
  return drafted;
}

/** `picture`: what a picture among the inputs is. */
function draftInput(tensor: TensorSignature, picture: "frame" | "second"): PortEntry | null {
  if (isScalar(tensor)) return tensor.name === "seed" ? { role: "seed" } : { role: "param" };
  if (isVector(tensor)) return { role: "vector" };
  const pixels = draftPixels(tensor);
  if (pixels === null) return null;
  const { layout } = pixels;
  const size = fixedSize(tensor, layout);
  const sized = { ...pixels, size: size === null ? "free" : [size.width, size.height] };
  if (picture === "frame") return { role: "frame", ...sized };
  const isMask = pixels.channels === "gray" || /mask|matte|alpha/i.test(tensor.name);
  return { role: isMask ? "mask" : "image", ...sized };
}

/**
 * Entries for the outputs that are not in `given`: the first picture is the image, what is paired with a state input
 * goes there, small tensors are data.
 */
export function draftOutputs(
  signature: GraphSignature,
  inputs: Readonly<Entries>,
  given: Readonly<Entries>,
): Entries {
  const drafted: Entries = {};
  const paired = new Set(Object.values(inputs).map(({ output }) => output));
  let hasPicture = Object.values(given).some(
    ({ role }) => role !== "state" && role !== "data" && role !== "ignore",
  );
  for (const tensor of signature.outputs) {
    if (given[tensor.name] !== undefined) continue;
    const pixels = hasPicture ? null : draftPixels(tensor);
    if (paired.has(tensor.name)) drafted[tensor.name] = { role: "state" };
    else if (pixels !== null) {
      drafted[tensor.name] = { role: "image", ...pixels };
      hasPicture = true;
    } else if (isSmall(tensor)) drafted[tensor.name] = { role: "data" };
    else drafted[tensor.name] = { role: "ignore" };
  }
  const used = [...Object.values(given), ...Object.values(drafted)];
  const [first] = signature.outputs;
  // A model whose outputs are all ignored would be useless.
  if (first !== undefined && used.every(({ role }) => role === "ignore" || role === "state")) {
    drafted[first.name] = { role: "data" };
  }
  return drafted;
}

function draftPixels(tensor: TensorSignature) {
  const { dims, dtype } = tensor;
  const layout = layoutOf(tensor);
  if (layout === null || (dtype !== null && !isPixelType(dtype)) || dtype === null) return null;
  const depth = dims?.[layout.indexOf("c")];
  if (typeof depth === "number" && depth !== 1 && depth !== 3) return null;
  const sides = [dims?.[layout.indexOf("h")], dims?.[layout.indexOf("w")]];
  if (sides.some((side) => typeof side === "number" && side < 8)) return null; // too small for a picture
  const channels = depth === 1 ? "gray" : "rgb";
  const range = dtype === "uint8" ? [0, 255] : [0, 1];
  return { layout, channels, dtype, range } as const;
}

const isPicture = (tensor: TensorSignature): boolean => draftPixels(tensor) !== null;

/** Inputs and outputs that belong together by their names: `r1i` and `r1o`, `h_in` and `h_out`, `state` and `new_state`. */
function statePairs({ inputs, outputs }: GraphSignature): Map<string, string> {
  const stem = (name: string, side: "in" | "out"): string | null => {
    const own =
      side === "in"
        ? /^(.+?)(?:_?in|i)$|^(?:prev|past|old)_?(.+)$/
        : /^(.+?)(?:_?out|o|n)$|^(?:new|next|present)_?(.+)$/;
    const [, suffixed, prefixed] = own.exec(name) ?? [];
    return suffixed ?? prefixed ?? null;
  };
  const pairs = new Map<string, string>();
  for (const input of inputs) {
    const own = stem(input.name, "in");
    const output = outputs.find(
      ({ name, dtype, dims }) =>
        dtype === input.dtype &&
        dims?.length === input.dims?.length &&
        ((own !== null && stem(name, "out") === own) || stem(name, "out") === input.name),
    );
    if (output !== undefined) pairs.set(input.name, output.name);
  }
  return pairs;
}

const isScalar = ({ dims, dtype }: TensorSignature): boolean =>
  dtype !== null && dims !== null && dims.length < 3 && ofOneItem(dims).every((dim) => dim === 1);

/** Without a first dimension that is free, as that of a batch is. */
const ofOneItem = (dims: readonly (number | string)[]) =>
  typeof dims[0] === "string" ? dims.slice(1) : dims;

const isVector = ({ dims, dtype }: TensorSignature): boolean =>
  (dtype === "float32" || dtype === "float16") &&
  dims !== null &&
  dims.length <= 2 &&
  ofOneItem(dims).filter((dim) => dim !== 1).length === 1 &&
  ofOneItem(dims).every((dim) => typeof dim === "number" && dim <= 4096);

/** Few numbers: scores, boxes, coordinates. Besides a batch one dimension may be free, but not two: those are a map's. */
const isSmall = ({ dims }: TensorSignature): boolean =>
  dims !== null &&
  dims.slice(1).filter((dim) => typeof dim === "string").length < 2 &&
  dims.reduce<number>((product, dim) => product * (typeof dim === "number" ? dim : 1), 1) <= 4096;
