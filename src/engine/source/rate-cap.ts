/** Limits the frame rate of an input to what the stream's `fps` asks for. */
import { TICKS_PER_SECOND, type Ticks } from "../../media/time.ts";
import { type Tick, VideoFrame } from "../codec/video-frame.ts";
import type { PipelineObserver } from "../pipeline-observer.ts";

export interface RateCapOptions {
  /** Called for every frame: frames a second; undefined lets all pass. */
  readonly fps: () => number | undefined;
  readonly observer: Pick<PipelineObserver, "frameDecoded" | "frameSkipped">;
}

/** Passes the decoded frames that fit the rate, evenly by their timestamps, and disposes the others. */
export function capRate({ fps, observer }: RateCapOptions): TransformStream<Tick, Tick> {
  const cap = new RateCap();
  return new TransformStream({
    transform(frame, controller) {
      observer.frameDecoded();
      if (cap.accepts(frame.pts, fps())) return controller.enqueue(frame);
      if (frame instanceof VideoFrame) frame[Symbol.dispose]();
      observer.frameSkipped();
    },
  });
}

/** A frame this share of an interval after its time restarts the grid: 29.97 is twice 15, every time. */
const ON_TIME = 0.01;

/**
 * Chooses frames by a grid of times, one every 1/fps: for each of these the nearest frame. The grid starts at the first
 * frame, again after a change of rate, and again where frames are further apart than the rate asks for.
 */
export class RateCap {
  #fps: number | undefined;
  /** The frame before this one, and the last one that passed. */
  #last: Ticks | null = null;
  #passed: Ticks | null = null;
  /** The next time of the grid. */
  #due = Number.NEGATIVE_INFINITY;

  /** Whether the frame with this pts passes. Times that go back start a new grid. */
  accepts(pts: Ticks, fps: number | undefined): boolean {
    const distance = this.#last === null ? 0 : pts - this.#last;
    this.#last = pts;
    if (fps === undefined) {
      this.#fps = fps;
      this.#passed = pts;
      return true;
    }
    const interval = TICKS_PER_SECOND / fps;
    if (fps !== this.#fps) this.#due = (this.#passed ?? Number.NEGATIVE_INFINITY) + interval;
    this.#fps = fps;
    if (distance < 0 || pts - this.#due >= interval) this.#due = pts;
    // Half a distance early is nearer than half a distance late.
    if (pts + Math.min(distance, interval) / 2 < this.#due) return false;
    const late = pts - this.#due;
    this.#due = (late > 0 && late <= interval * ON_TIME ? pts : this.#due) + interval;
    this.#passed = pts;
    return true;
  }
}
