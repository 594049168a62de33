/** The state of a model on a device: it is being loaded, is ready, or has failed and may be loaded again later. */
import type { WorkerError } from "../../errors.ts";
import type { UsableModel } from "../models/catalogue-entry.ts";
import { isShortage, shortageRetryMs } from "../models/shortage.ts";
import type { ModelInfo } from "../protocol/models.ts";
import type { LoadProgress } from "./load-times.ts";
import type { ReadyModel } from "./ready-model.ts";

export type ModelSlot =
  | ({ readonly state: "warming"; readonly loading: Promise<ReadyModel> } & LoadProgress)
  | { readonly state: "ready"; readonly model: ReadyModel }
  | FailedSlot;

interface FailedSlot {
  readonly state: "failed";
  readonly stamp: string;
  readonly error: WorkerError;
  /** How often in a row it failed for want of memory or files. */
  readonly shortages: number;
  /** `performance.now()` from which a caller may have it loaded again from the same files. */
  readonly retryAt: number;
}

/** After a failed load. `last` is what was there before the load. */
export function failedSlot(
  { stamp }: Pick<UsableModel, "stamp">,
  error: WorkerError,
  last: ModelSlot | undefined,
): FailedSlot {
  const earlier = last?.state === "failed" && last.stamp === stamp ? last.shortages : 0;
  const shortages = isShortage(error) ? earlier + 1 : 0;
  const waitMs = shortages > 0 ? shortageRetryMs(shortages) : Number.POSITIVE_INFINITY;
  return { state: "failed", stamp, error, shortages, retryAt: performance.now() + waitMs };
}

/** Whether a failed load says what the next one would. */
export const isFinal = (failed: FailedSlot, stamp: string): boolean =>
  failed.stamp === stamp && performance.now() < failed.retryAt;

export const readyIn = (slot: ModelSlot | undefined): ReadyModel | null =>
  slot?.state === "ready" ? slot.model : null;

/** As lists of models show it. */
export function slotInfo(
  slot: ModelSlot,
): Pick<ModelInfo, "state" | "error" | "execution_provider"> {
  switch (slot.state) {
    case "warming":
      return { state: "warming" };
    case "ready": {
      const { executionProvider: execution_provider } = slot.model;
      const rejected = slot.model.reloadError();
      if (rejected === null) return { state: "ready", execution_provider };
      return { state: "failed", error: rejected.message, execution_provider };
    }
    case "failed":
      return { state: "failed", error: slot.error.message };
  }
}
