/** Formats the overlay's label for frames that no model has drawn. */
import type { Label } from "../codec/overlay.ts";
import type { LoadProgress } from "../device/load-times.ts";

/** A load that a stream waits for. */
export interface Loading extends LoadProgress {
  readonly model: string;
}

const LONGEST_NAME = 28;
/** Up to this share the bar follows the clock; beyond it slows down, so that it is never full too early. */
const STEADY = 0.8;

/** Shown when a model without video input fails; the reason is in the stream's status. */
export const FAILED: Label = {
  wordings: ["model failed: see status", "model failed", "failed"],
  bar: null,
};

/** `now` is `performance.now()`. */
export function loadingLabel({ model, since, expectedMs }: Loading, now: number): Label {
  const elapsed = Math.max(0, now - since);
  const seconds = Math.round(elapsed / 1000);
  const name = model.length > LONGEST_NAME ? `${model.slice(0, LONGEST_NAME - 1)}…` : model;
  return {
    wordings: [`loading ${name} · ${seconds} s`, `loading · ${seconds} s`, "loading"],
    bar:
      expectedMs === null
        ? { runningFor: elapsed / 1000 }
        : { share: shareOf(elapsed / expectedMs) },
  };
}

const shareOf = (time: number): number =>
  time < STEADY ? time : 1 - (1 - STEADY) * Math.exp((STEADY - time) / (1 - STEADY));
