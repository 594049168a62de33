/** A model that is loaded and ready to run, and what one run of it takes and gives. */
import type { WorkerError } from "../../errors.ts";
import type { ModelDefinition } from "../models/definition.ts";
import type { RunItem } from "../models/roles/role.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { Size } from "../protocol/work.ts";
import type { RunOutput } from "./worker/calls.ts";

/** One run of a model. The item is consumed: the memory of its pictures moves to the worker. */
export interface InferenceJob extends RunItem {
  /** The stream whose frame it is: streams share the device's time by it. */
  readonly key: string;
  /** Records the run. */
  readonly calls: NativeCalls;
  /** `performance.now()` after which the run is worth nothing: it is refused with `TooLate`. */
  readonly deadline?: number;
  /** Ends the wait for the device; a run that has begun finishes first. */
  readonly signal?: AbortSignal;
  /** Called when the device begins with it. */
  readonly onStart?: () => void;
}

/** Owned by the caller, which reuses the picture's memory. The size of its picture may differ from what went in. */
export interface InferenceResult extends RunOutput {
  /** The stream's share of the run in the worker, without waiting. */
  readonly inferenceMs: number;
}

/** The execution provider of runs in the operator's ComfyUI. */
export const COMFYUI_PROVIDER = "ComfyUI";

/** Owned by the `ModelHost`, which keeps it loaded. */
export interface LoadedModel {
  readonly definition: ModelDefinition;
  readonly executionProvider: string;
  /** True once its thread has ended by itself, hangs, or was unloaded: `acquire` the model again. */
  isLost(): boolean;
  /** True once a version of newer files is ready: `acquire` gives that one, and this one ends when it is idle. */
  isOutdated(): boolean;
  /** Why its changed files could not be loaded; null while it is what the workspace holds. */
  reloadError(): WorkerError | null;
  /** The size that a picture from a source of this size must have. */
  inputSize(source: Size): Size;
  /** Throws `model_failed` for a run that fails, after which the model can be used again, and `TooLate`. */
  run(job: InferenceJob): Promise<InferenceResult>;
  /** Records that a stream shows it, also where it need not run again: it is not unloaded to make room. */
  markUsed(): void;
  /**
   * Ends the runs of a lane that are in progress with `TooLate`, because their results are not wanted any more. Only
   * models whose runs can be interrupted have it.
   */
  abandon?(lane: string): void;
  /** Forgets what the model remembers of a lane. */
  forget(lane: string): void;
}
