/** Fuzzes model.json beside a network with every kind of tensor: it is refused with the field's name, or can be used. */
import fc from "fast-check";
import { defineModel } from "../../../src/engine/models/define-model.ts";
import type { ModelDefinition } from "../../../src/engine/models/definition.ts";
import { parseModelJson } from "../../../src/engine/models/model-json.ts";
import { presetsOf } from "../../../src/engine/models/presets.ts";
import { INPUT_ROLES } from "../../../src/engine/models/roles/input-roles.ts";
import { OUTPUT_ROLES } from "../../../src/engine/models/roles/output-roles.ts";
import type { ElementType, GraphSignature } from "../../../src/engine/models/tensor-signature.ts";
import { ModelInfo } from "../../../src/engine/protocol/models.ts";
import { WorkerError } from "../../../src/errors.ts";
import { check } from "../../../src/schema-check.ts";
import { defineTarget } from "../fuzz.ts";
import { mutatedTexts } from "../mutated-bytes.ts";
import { mutatedJson } from "../mutated-json.ts";

const tensor = (name: string, dtype: ElementType | null, dims: (number | string)[] | null) => ({
  name,
  dtype,
  dims,
});
const PICTURE = ["N", 3, "H", "W"];

/** Networks of one input and one output, with more of them. */
const SIGNATURES: readonly GraphSignature[] = [
  {
    inputs: [tensor("image", "float32", PICTURE)],
    outputs: [tensor("out", "float32", PICTURE)],
    metadata: new Map(),
    opset: 17,
  },
  {
    inputs: [
      tensor("image", "uint8", [1, 128, 160, 3]),
      tensor("before", "float32", [1, 3, 128, 160]),
      tensor("strength", "float32", []),
      tensor("style", "float16", [8]),
      tensor("memory", "float32", [1, 4, "s", "s"]),
      tensor("seed", "int64", [1]),
      tensor("other", null, null),
    ],
    outputs: [
      tensor("mask", "float32", [1, 1, 32, 40]),
      tensor("next", "float32", [1, 4, "s", "s"]),
      tensor("scores", "float32", [1, 1000]),
    ],
    metadata: new Map([["param:strength", "0,1,0.5"]]),
    opset: 11,
  },
];

const VALID: readonly unknown[] = [
  {},
  { license: "MIT", homepage: "https://example.com", run: { every: 2, threads: 4 } },
  {
    description: "style",
    fit: "cover",
    inputs: {
      image: { role: "frame", layout: "nchw", channels: "bgr", range: [0, 255], mean: [1, 2, 3] },
    },
    outputs: { out: { role: "image", range: [-1, 1], layout: "nchw" } },
    presets: { bold: { strength: 1, style: [0, 1], on: true } },
  },
  {
    file: "model.onnx",
    inputs: {
      image: { role: "frame", layout: "nhwc", dtype: "uint8", size: [160, 128] },
      before: { role: "previous_output", std: [0.5] },
      strength: { role: "param", name: "strength", default: 0.5, min: 0, max: 1, scale: "linear" },
      style: { role: "vector", entries: ["a", "b", "c", "d", "e", "f", "g", "h"], blend: true },
      memory: { role: "state", output: "next", initial: 0, shape: [1, 4, 8, 8] },
      seed: { role: "seed" },
      other: { from: { model: "depth", output: "depth" } },
    },
    outputs: {
      mask: { role: "mask", activation: "sigmoid", over: "blur", threshold: 0.5, range: "auto" },
      next: { role: "state" },
      scores: { role: "data", labels: ["cat", "dog"], activation: "softmax", limit: 5 },
    },
  },
  {
    inputs: {
      image: { role: "noise", shape: [1, 3, 128, 160], scale: 2, frame: { range: [0, 1] } },
      before: { role: "image", file: "style.png" },
      strength: { role: "constant", value: 3 },
      style: { role: "prompts" },
      memory: { role: "constant", value: [1, 2], shape: [1, 4, 2, 2] },
      seed: { role: "time" },
    },
    outputs: {
      mask: { role: "heat", colours: "turbo", clear_below: 0.1 },
      scores: { role: "ignore" },
    },
  },
];

/** Every field that a role or the file knows. */
const NAMES = [
  ...new Set(
    [...Object.values(INPUT_ROLES), ...Object.values(OUTPUT_ROLES)].flatMap(({ schema }) =>
      Object.keys(schema.properties),
    ),
  ),
  ...["inputs", "outputs", "run", "presets", "fit", "file", "every", "skip_unchanged", "__proto__"],
  ...SIGNATURES.flatMap(({ inputs, outputs }) => [...inputs, ...outputs].map(({ name }) => name)),
];
const ROLE_NAMES = [...Object.keys(INPUT_ROLES), ...Object.keys(OUTPUT_ROLES)];

interface Case {
  readonly text: string;
  readonly signature: GraphSignature;
}

export const modelJsons = defineTarget<Case>({
  name: "model-json",
  inputs: "model.json with wild fields, roles and values, and damaged texts of it",
  found: [
    {
      what: 'a wrong preset was refused with "allowed: a undefined"',
      test: ["unit/engine/models/model-json.test.ts", "presets.bold.style is"],
    },
    {
      what: "a file with many problems or long names was refused in a text without end",
      test: [
        "unit/engine/models/model-json.test.ts",
        "thousands of problems and names of any length are refused in a text that can be read",
      ],
    },
  ],
  open: () => ({
    inputs: fc.record({
      text: modelJsonTexts,
      signature: fc.constantFrom(...SIGNATURES),
    }),
    check: ({ text, signature }) => {
      try {
        checkDefinition(defineModel("m", parseModelJson(text), signature));
      } catch (error) {
        checkRefusal(error);
      }
    },
  }),
});

/** Texts of a model.json. */
export const modelJsonTexts: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 5,
    arbitrary: mutatedJson(VALID, { names: NAMES }).map((json) => `${JSON.stringify(json)}`),
  },
  {
    weight: 2,
    arbitrary: fc
      .dictionary(fc.constantFrom(...NAMES), fc.record({ role: fc.constantFrom(...ROLE_NAMES) }))
      .map((ports) => JSON.stringify({ inputs: ports, outputs: ports })),
  },
  { weight: 1, arbitrary: mutatedTexts(VALID.map((json) => JSON.stringify(json))) },
);

/** What a folder's model needs in order to be listed, loaded and fed. */
export function checkDefinition({ inputs, outputs, params, presets, run }: ModelDefinition): void {
  for (const { role } of [...inputs, ...outputs])
    if (!ROLE_NAMES.includes(role)) throw new Error("a port of no role is accepted");
  for (const param of params) {
    if (param.type !== "number") continue;
    const { min, max, default: initial } = param;
    if (!(min <= initial && initial <= max))
      throw new Error("a default out of its range is accepted");
  }
  if (!(run.every >= 1 && Number.isInteger(run.every)))
    throw new Error("a wrong run.every is accepted");
  structuredClone({ params, presets }); // they cross to the server
  const listed = ModelInfo.properties;
  const wrong =
    check(listed.params).Errors(params).First() ??
    check(listed.presets).Errors(usable(presets, params)).First();
  if (wrong !== undefined) throw new Error(`the server does not take it: ${wrong.message}`);
}

/** The presets as they are listed; none of a model that is refused for them. */
function usable(presets: ModelDefinition["presets"], params: ModelDefinition["params"]) {
  try {
    return presetsOf(presets, params);
  } catch {
    return {};
  }
}

/** A refusal names what is wrong and stays short enough to be read. */
export function checkRefusal(error: unknown): void {
  if (!(error instanceof WorkerError) || error.kind !== "model_failed") throw error;
  const { message, details } = error;
  if (!message.startsWith("model.json")) throw new Error("the refusal does not name model.json");
  if (details.length === 0 && !message.startsWith("model.json is not valid JSON"))
    throw new Error("the refusal names no field");
  if (message.length > 20_000) throw new Error("the refusal is endless");
}
