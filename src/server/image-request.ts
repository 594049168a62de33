/** Hides how an image request becomes an engine's job: which fields count, their defaults, and the model's ranges. */
import { Type } from "@sinclair/typebox";
import type { ImageAccess } from "../capabilities/capability.ts";
import type { ImageJob } from "../engine/protocol/work.ts";
import type { EngineScheduler } from "./engines/scheduler.ts";
import { fieldsError } from "./field-errors.ts";
import { CHANGING_FIELDS, FIXED_FIELDS, StartFields } from "./streams/fields.ts";
import { CLOCK_DEFAULTS, INPUT_DEFAULTS, mergeParams, readFields } from "./streams/params.ts";

const ENGINE_BOOT_MS = 10_000;

/** A stream's fields that mean something to a single picture; members it does not name are the model's. */
const NAMES = ["prompts", "prompt", "model", "width", "height", "fit"] as const;
const ImageFields = Type.Object(Type.Pick(StartFields, [...NAMES]).properties, {
  additionalProperties: true,
});

/** What capabilities may ask of the engines. */
export const imageAccess = (pool: EngineScheduler): ImageAccess => ({
  make: async (body, file, { signal, progress }) => {
    const fields = readFields(ImageFields, body);
    const prompts = fields.prompts ?? fields.prompt;
    if (file === null && prompts == null)
      throw fieldsError([{ field: "prompts", problem: "is required where there is no image" }]);
    const begun = performance.now();
    await pool.ready(ENGINE_BOOT_MS);
    const defaults = file === null ? CLOCK_DEFAULTS : INPUT_DEFAULTS;
    const streamOnly = [...CHANGING_FIELDS, ...FIXED_FIELDS].filter(
      (name) => name in fields && !NAMES.some((own) => own === name),
    );
    const { params, ignored } = await pool.withModels((models) =>
      mergeParams(fields, defaults, defaults, models),
    );
    const model = pool.models().find(({ name }) => name === params.model);
    if (file === null && model?.takes_video) throw wantsPicture(model.name);
    const unseen = file !== null && model?.takes_video === false ? ["image"] : [];
    const job: ImageJob = { params, ...(file === null ? {} : { file }) };
    progress("queued");
    const order = { image: job, signal, onStep: progress };
    const { png, width, height, execution_provider, timings_ms } = await pool.makeImage(order);
    const total = Math.round((performance.now() - begun) * 10) / 10;
    const seed = model?.params.find(({ name }) => name === "seed");
    return {
      png,
      width,
      height,
      ignored: [...ignored, ...streamOnly, ...unseen],
      metadata: {
        model: params.model,
        seed: params.model_params["seed"] ?? seed?.default ?? null,
        execution_provider,
        timings_ms: { ...timings_ms, total },
      },
    };
  },
});

const wantsPicture = (model: string) =>
  fieldsError([
    {
      field: "image",
      problem: `is required: ${model} changes a picture; send one, or leave model out to have one drawn`,
    },
  ]);
