/** Turns an image request into an order for an engine: checks its fields, fills in defaults, and makes the picture. */
import { type Static, Type } from "@sinclair/typebox";
import type { ImageAccess } from "../capabilities/capability.ts";
import type { ModelInfo } from "../engine/protocol/models.ts";
import { pictureFormat, pictureUri } from "../engine/protocol/picture-uri.ts";
import type { ImageJob } from "../engine/protocol/work.ts";
import type { EngineScheduler } from "./engines/scheduler.ts";
import { fieldsError } from "./field-errors.ts";
import { problemsFound } from "./streams/check-program.ts";
import { checkTexts } from "./streams/check-texts.ts";
import { CHANGING_FIELDS, FIXED_FIELDS, StartFields } from "./streams/fields.ts";
import {
  CLOCK_DEFAULTS,
  INPUT_DEFAULTS,
  mergeParams,
  type Resolved,
  readFields,
} from "./streams/params.ts";
import { assertPrompted } from "./streams/prompts.ts";

const ENGINE_BOOT_MS = 10_000;

/** The stream fields that apply to a single picture; other fields may be parameters of the model. */
const PICTURE_FIELDS = ["prompts", "prompt", "model", "preset", "width", "height", "fit"] as const;
const ImageFields = Type.Object(Type.Pick(StartFields, [...PICTURE_FIELDS]).properties, {
  additionalProperties: true,
});
type ImageFields = Static<typeof ImageFields>;

/** Makes pictures for capabilities with the engines of `scheduler`. */
export const imageAccess = (scheduler: EngineScheduler): ImageAccess => ({
  make: async (body, file, { signal, progress, reserve }) => {
    const { fields, streamOnly } = withoutStreamFields(readFields(ImageFields, body));
    if (file === null && (fields.prompts ?? fields.prompt ?? fields.model) == null)
      throw promptsRequired();
    const startedAt = performance.now();
    await scheduler.ready(ENGINE_BOOT_MS);
    const defaults = file === null ? CLOCK_DEFAULTS : INPUT_DEFAULTS;
    const read = () =>
      scheduler.models.use((models) => {
        const merge = (given: ImageFields) =>
          withOwnSize(given, mergeParams(given, defaults, defaults, models));
        const merged = merge(fields);
        if (file === null || !takesAsParam(merged.model)) return { ...merged, frame: file };
        const withImage = { ...fields, image: dataUri(file) };
        return { ...merge(withImage), frame: null };
      });
    const first = await read();
    const { params, model, ignored, frame } = (await isRepaired(first, scheduler))
      ? await read()
      : first;
    if (file === null && model.needs_video) throw imageRequired(model.name);
    if (file === null) assertPrompted(params, model);
    const cut = await checkTexts(params, null, scheduler);
    const unused = frame !== null && !model.takes_video ? ["image"] : [];
    if (params.size) reserve(params.size);
    const job: ImageJob = { params, ...(frame === null ? {} : { file: frame }) };
    progress("queued");
    const order = { image: job, signal, onStep: progress };
    const made = await scheduler.makeImage(order);
    const { pictures, texts, warnings, execution_provider, timings_ms } = made;
    const total = Math.round((performance.now() - startedAt) * 10) / 10;
    const seed = model.params.find(({ name }) => name === "seed");
    return {
      pictures,
      texts,
      warnings: [...cut, ...warnings],
      ignored: [...ignored, ...streamOnly, ...unused],
      metadata: {
        model: params.model,
        seed: params.model_params["seed"] ?? (seed?.type === "number" ? seed.default : null),
        execution_provider,
        timings_ms: { ...timings_ms, total },
      },
    };
  },
});

/** Fields that a stream has and a picture has not. */
const STREAM_FIELDS: ReadonlySet<string> = new Set<string>(
  [...CHANGING_FIELDS, ...FIXED_FIELDS].filter(
    (name) => !PICTURE_FIELDS.some((field) => field === name),
  ),
);

/** Separates the fields of a picture and its model's parameters from those that only a stream has, which are not checked. */
function withoutStreamFields(given: ImageFields) {
  const isOfStream = ([name]: [string, unknown]) => STREAM_FIELDS.has(name);
  const streamOnly = Object.entries(given).filter(isOfStream);
  const rest = Object.entries(given).filter((entry) => !isOfStream(entry));
  const fields: ImageFields = Object.fromEntries(rest);
  return { fields, streamOnly: streamOnly.map(([name]) => name) };
}

/**
 * Whether the model was listed as failed and is usable by now: what it takes is known only then. Throws
 * `invalid_request` with why it still cannot run.
 */
async function isRepaired(
  { params, model }: Resolved,
  scheduler: Pick<EngineScheduler, "ask" | "models">,
): Promise<boolean> {
  if (params.graphs !== undefined || model.state !== "failed") return false;
  await problemsFound({ kind: "model", model: model.name }, null, scheduler);
  await scheduler.models.fresh();
  return true;
}

/** Graphs say how large their pictures are. */
function withOwnSize(given: Pick<StartFields, "width">, merged: Resolved): Resolved {
  const { size: _, ...params } = merged.params;
  const isOwn = merged.params.graphs !== undefined && given.width == null;
  return isOwn ? { ...merged, params } : merged;
}

/** A model that draws without video may have a picture parameter of the name by which requests send a picture. */
const takesAsParam = ({ takes_video, params }: ModelInfo): boolean =>
  !takes_video && params.some(({ name, type }) => name === "image" && type === "picture");

/** Bytes that are no picture are refused where the parameter is read. */
const dataUri = (file: Uint8Array): string => pictureUri(file, pictureFormat(file) ?? "png");

const promptsRequired = () =>
  fieldsError([
    {
      field: "prompts",
      problem: "is required without image: send a text prompt, or a picture in image",
    },
  ]);

const imageRequired = (model: string) =>
  fieldsError([
    {
      field: "image",
      problem: `is required by model ${model}: send a picture, or choose a model that draws without one`,
    },
  ]);
