/** Runs a loaded model once with the values that its ports get in a stream. */
import type { InferenceResult, LoadedModel } from "../../src/engine/device/loaded-model.ts";
import type { StillPicture } from "../../src/engine/models/roles/role.ts";
import { valuesOf } from "../../src/engine/models/run-values.ts";
import type { Tensor } from "../../src/engine/models/tensor.ts";
import { RateSums } from "../../src/engine/plan/rate-sums.ts";
import { defaultControls } from "../../src/engine/prompts/controls.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { ParamValues } from "../../src/engine/protocol/models.ts";
import type { Size } from "../../src/engine/protocol/work.ts";
import type { Picture } from "../../src/media/picture.ts";

export interface ModelRun {
  readonly key?: string;
  readonly lane?: string;
  /** Consumed: its memory moves to the worker. */
  readonly picture?: Picture;
  /** The frame in the output's size, for models that draw over it; by default the picture. */
  readonly original?: Picture;
  readonly size?: Size;
  readonly params?: ParamValues;
  readonly timeSeconds?: number;
  readonly text?: Float32Array;
  readonly upstream?: (model: string, output: string) => Tensor | null;
  readonly stills?: Readonly<Record<string, StillPicture>>;
  readonly deadline?: number;
  readonly signal?: AbortSignal;
}

/** Everything that a run gives. */
export async function runModel(model: LoadedModel, run: ModelRun = {}): Promise<InferenceResult> {
  const { picture = null, params = {}, timeSeconds = 0, key = "test", deadline, signal } = run;
  const size = picture ?? run.size ?? { width: 64, height: 64 };
  const original = run.original ?? picture;
  const sums = new RateSums();
  const values = valuesOf(model.definition, {
    params,
    prompts: [],
    graphs: [],
    timeSeconds,
    size: { width: size.width, height: size.height },
    outputSize: original ?? size,
    sum: (name, rate) => sums.total(name, rate, timeSeconds),
    text: () => run.text ?? defaultControls(),
    upstream: run.upstream ?? (() => null),
    picture: (_tensor, source) => run.stills?.["uri" in source ? source.uri : source.file] ?? null,
  });
  return await model.run({
    key,
    lane: run.lane ?? key,
    calls: UNRECORDED_CALLS,
    picture,
    values,
    original: model.definition.overlays ? original : null,
    size: { width: size.width, height: size.height },
    ...(deadline !== undefined && { deadline }),
    ...(signal && { signal }),
  });
}

/** The picture that a run gives. Throws for models that give none. */
export async function drawWith(model: LoadedModel, run: ModelRun = {}): Promise<Picture> {
  const { picture } = await runModel(model, run);
  if (picture === null) throw new Error(`${model.definition.name} gave no picture`);
  return picture;
}
