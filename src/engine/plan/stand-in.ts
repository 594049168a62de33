/** Makes the frame that is shown where a model's picture is missing. */
import type { Frame } from "../codec/libav.ts";
import { Overlay } from "../codec/overlay.ts";
import type { PictureConverter } from "../codec/picture-converter.ts";
import type { PlanJob } from "./plan-result.ts";
import { FAILED, type Loading, loadingLabel } from "./stand-in-label.ts";

/** Frames wait this long for a model: one that loads faster shows neither bare frames nor the overlay. */
const GRACE_MS = 500;

/**
 * A frame of the input passes through, under an overlay with the progress while a model loads, and untouched while
 * the stream is paused or the model fails. A tick, which has no picture, becomes a dark card that says what is the
 * matter; nothing at all within the grace after a failure and while the stream is paused.
 */
export class StandIn implements Disposable {
  readonly #converter: PictureConverter;
  readonly #overlay = new Overlay();
  /** `performance.now()` at which a picture was missing first; null while none is. */
  #missingSince: number | null = null;

  constructor(converter: PictureConverter) {
    this.#converter = converter;
  }

  /** Milliseconds that a frame may still wait for its model; the grace begins with the first that does. */
  graceLeft(now: number): number {
    this.#missingSince ??= now;
    return GRACE_MS - (now - this.#missingSince);
  }

  /** A model works: the next grace begins anew. */
  pictureMade(): void {
    this.#missingSince = null;
  }

  /** A yuv420p frame of the asked-for size, the caller's; null where there is nothing to show. */
  async frameFor(
    { frame, size, params: { fit, paused } }: PlanJob,
    loading: Loading | null,
  ): Promise<Frame | null> {
    const passed = frame && (await this.#converter.resize(frame, size, fit));
    if (paused) {
      this.#missingSince = null;
      return passed;
    }
    const now = performance.now();
    if (this.graceLeft(now) > 0) return passed;
    const label = loading ? loadingLabel(loading, now) : FAILED;
    if (!passed) return await this.#overlay.card(size, label);
    return loading ? await this.#overlay.onFrame(passed, label) : passed;
  }

  [Symbol.dispose](): void {
    this.#overlay[Symbol.dispose]();
  }
}
