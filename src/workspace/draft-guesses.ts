/** Names the fields of a drafted `model.json` that are guesses, because an ONNX file does not state them. */
import type { ModelJson, PortEntry } from "../engine/models/model-json.ts";
import type { GraphSignature, TensorSignature } from "../engine/models/tensor-signature.ts";

/** A field that should be checked, by its path, and what it may be instead. */
export interface Guess {
  readonly field: string;
  readonly hint: string;
}

/** The guesses in a draft that was made from names and shapes. */
export function guessesOf(
  { inputs = {}, outputs = {} }: ModelJson,
  signature: GraphSignature,
): Guess[] {
  return [
    ...signature.inputs.flatMap((tensor) => {
      const entry = inputs[tensor.name];
      const field = `inputs.${tensor.name}`;
      return entry === undefined ? [] : inputGuesses(field, entry, tensor, signature);
    }),
    ...signature.outputs.flatMap((tensor) => {
      const entry = outputs[tensor.name];
      return entry === undefined ? [] : outputGuesses(`outputs.${tensor.name}`, entry, tensor);
    }),
  ];
}

function inputGuesses(
  field: string,
  entry: PortEntry,
  tensor: TensorSignature,
  signature: GraphSignature,
): Guess[] {
  switch (entry.role) {
    case "frame":
      return [...pixelGuesses(field, entry, tensor, INPUT_RANGE), ...sizeGuesses(field, entry)];
    case "image":
    case "mask":
      return [
        {
          field: `${field}.role`,
          hint: `"${entry.role}" lets callers upload a picture; a video network may want previous_frame or previous_output here`,
        },
        ...pixelGuesses(field, entry, tensor, INPUT_RANGE),
      ];
    case "param":
      return signature.metadata.has(`param:${tensor.name}`) || tensor.dtype === "bool"
        ? []
        : [{ field, hint: "min, max and default are not in the file: 0 to 1 is a guess" }];
    case "vector":
      return [
        {
          field,
          hint: "name the numbers in entries; set blend where they must sum to 1, or use role noise or constant",
        },
      ];
    case "state":
      return [
        {
          field: `${field}.output`,
          hint: `${JSON.stringify(entry["output"])} was chosen by its name; initial is 0`,
        },
      ];
    default:
      return [];
  }
}

function outputGuesses(field: string, entry: PortEntry, tensor: TensorSignature): Guess[] {
  switch (entry.role) {
    case "image":
      return [
        ...(entry["channels"] === "gray"
          ? [
              {
                field: `${field}.role`,
                hint: '"image" draws it in gray: use mask for a matte, heat for depth or probabilities',
              },
            ]
          : []),
        ...pixelGuesses(field, entry, tensor, OUTPUT_RANGE),
      ];
    case "data":
      return [
        {
          field,
          hint: "set labels, and activation sigmoid or softmax where the numbers are raw scores",
        },
      ];
    case "ignore":
      return [
        { field, hint: "is left out: use image, mask, heat or data where its content is wanted" },
      ];
    default:
      return [];
  }
}

const INPUT_RANGE =
  "the file does not state the values of black and white: networks take [0, 1], [0, 255] or [-1, 1], and those trained on ImageNet mean [0.485, 0.456, 0.406] with std [0.229, 0.224, 0.225]";
const OUTPUT_RANGE =
  "the file does not state the values of black and white: networks give [0, 1], [0, 255] or [-1, 1]";

function* pixelGuesses(
  field: string,
  entry: PortEntry,
  { dtype, dims }: TensorSignature,
  range: string,
): Generator<Guess> {
  const layout = String(entry["layout"] ?? "");
  const depth = dims?.[layout.indexOf("c")];
  if (layout.includes("c") && typeof depth !== "number") {
    const hint = `"${layout}" is a guess: the file does not fix which dimension is the channels`;
    yield { field: `${field}.layout`, hint };
  }
  if (dtype?.startsWith("float")) yield { field: `${field}.range`, hint: range };
  if (entry["channels"] === "rgb") {
    const hint = '"rgb" is a guess: networks trained with OpenCV or Paddle use bgr';
    yield { field: `${field}.channels`, hint };
  }
}

const sizeGuesses = (field: string, { size }: PortEntry): Guess[] =>
  size === "free"
    ? [
        {
          field: `${field}.multiple_of`,
          hint: "many networks of free size need sides that are multiples of 4, 8, 16 or 32",
        },
      ]
    : [];
