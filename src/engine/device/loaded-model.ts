/** A model that is loaded and ready to run, and what one run of it takes and gives. */
import type { WorkerError } from "../../errors.ts";
import type { Picture } from "../../media/picture.ts";
import type { ModelDefinition } from "../models/definition.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { ParamValues } from "../protocol/models.ts";
import type { Size } from "../protocol/work.ts";
import type { TextVector } from "./protocol.ts";

/** One run of a model. */
export interface InferenceJob {
  /** The stream whose frame it is: streams share the device's time by it. */
  readonly key: string;
  /** Records the run. */
  readonly calls?: NativeCalls;
  /** Consumed: its memory moves to the worker. Required by models that take video, ignored by the others. */
  readonly picture?: Picture;
  /** The output size of models that draw from nothing. */
  readonly size: Size;
  /** By parameter name; those absent have the model's default. */
  readonly params: ParamValues;
  readonly timeSeconds: number;
  /** As returned by `RateSums`; absent: every parameter has had its value from the start. */
  readonly sums?: Readonly<Record<string, number>>;
  /** The prompts as `StreamPrompts` gives them; absent: no prompt. */
  readonly text?: TextVector;
  /** Ends the wait for the device; a run that has begun finishes first. */
  readonly signal?: AbortSignal;
}

export interface InferenceResult {
  /** The caller's. Its size may differ from what went in. */
  readonly picture: Picture;
  /** Duration of the run alone, without waiting. */
  readonly inferenceMs: number;
}

/** Owned by the `ModelHost`, which keeps it loaded. */
export interface LoadedModel {
  readonly definition: ModelDefinition;
  readonly executionProvider: string;
  /** True once its thread has ended by itself or hangs: `acquire` the model again. */
  isLost(): boolean;
  /** True once a version of newer files is ready: `acquire` gives that one, and this one ends when it is idle. */
  isOutdated(): boolean;
  /** Why its changed files could not be loaded; null while it is what the workspace holds. */
  reloadError(): WorkerError | null;
  /** The size that a picture from a source of this size must have. */
  inputSize(source: Size): Size;
  /** Throws `model_failed` for a run that fails; the model lives on. */
  run(job: InferenceJob): Promise<InferenceResult>;
}
