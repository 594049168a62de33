/** Fuzzes starts and updates of streams, on models with every kind of parameter: fields are refused by name, or merged. */
import fc from "fast-check";
import { StreamParams } from "../../../src/engine/protocol/work.ts";
import { WorkerError } from "../../../src/errors.ts";
import { check } from "../../../src/schema-check.ts";
import { StartFields } from "../../../src/server/streams/fields.ts";
import {
  CLOCK_DEFAULTS,
  INPUT_DEFAULTS,
  mergeParams,
  readFields,
  updatedParams,
} from "../../../src/server/streams/params.ts";
import { MODEL_GALLERY } from "../../support/model-gallery.ts";
import { model } from "../../support/stand-in-models.ts";
import { defineTarget } from "../fuzz.ts";
import { mutatedJson, wildValues } from "../mutated-json.ts";

const MODELS = [
  ...MODEL_GALLERY,
  ...["restyle", "dreamscape", "comfyui"].map((name) => model(name)),
];

const VALID: readonly unknown[] = [
  {},
  { prompts: "a cat", width: 512, height: 512, fps: 24, fit: "contain" },
  { prompts: [{ prompt: "a", negative_prompt: "b", weight: 0.5 }, "c"], bitrate: 1_000_000 },
  { prompt: { "1": { class_type: "KSampler", inputs: { model: ["4", 0] } } }, paused: true },
  { params: { model: "restyle", max_framerate: 10, marker: "time", fallback: "hold" } },
  ...MODEL_GALLERY.map(({ name, params, presets }) => ({
    model: name,
    preset: Object.keys(presets)[0] ?? null,
    ...Object.fromEntries(
      params.map((param) => [param.name, "default" in param ? param.default : null]),
    ),
  })),
];
const NAMES = [
  ...Object.keys(StartFields.properties),
  ...MODEL_GALLERY.flatMap(({ params }) => params.map(({ name }) => name)),
  ...["params", "preset", "image", "__proto__", "weight", "negative_prompt", "graph"],
];

export const streamParams = defineTarget<readonly unknown[]>({
  name: "stream-params",
  inputs: "fields of a start and of updates after it, wild and misplaced",
  found: [
    {
      what: "a text with a member graph that is not a text was answered with 500",
      test: [
        "unit/server/streams/params.test.ts",
        "a member graph of a text that is %j means nothing",
      ],
    },
  ],
  open: () => {
    const fields = fc.oneof(
      { weight: 3, arbitrary: mutatedJson(VALID, { names: NAMES }) },
      {
        weight: 1,
        arbitrary: fc.dictionary(fc.constantFrom(...NAMES), wildValues, { maxKeys: 6 }),
      },
    );
    return {
      inputs: fc.array(fields, { minLength: 1, maxLength: 4 }),
      check: ([first, ...updates]) => {
        for (const defaults of [CLOCK_DEFAULTS, INPUT_DEFAULTS]) {
          let params = defaults;
          try {
            const given = readFields(StartFields, first);
            ({ params } = mergeParams(given, defaults, defaults, MODELS));
          } catch (error) {
            checkRefusal(error);
          }
          for (const update of updates) {
            try {
              ({ params } = updatedParams(update, params, defaults, MODELS));
            } catch (error) {
              checkRefusal(error);
            }
          }
          if (!check(StreamParams).Check(params))
            throw new Error("parameters that no engine takes are accepted");
          structuredClone(params);
        }
      },
    };
  },
});

function checkRefusal(error: unknown): void {
  if (!(error instanceof WorkerError)) throw error;
  const { kind, message, details } = error;
  if (kind !== "invalid_request" && kind !== "unknown_model") throw error;
  if (kind === "invalid_request" && details.length === 0)
    throw new Error("a refusal that names no field");
  if (message.length > 20_000) throw new Error("the refusal is endless");
}
