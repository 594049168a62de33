/** Drives a pipeline: a frame goes in when another has come out, or at the rate of the clip. */

import type { Fragment } from "../../src/media/fragment.ts";
import type { IncomingChunk } from "../../src/trickle/client/segment-copy.ts";
import { CLIP_FPS, SEGMENT_FRAMES } from "./clip.ts";

/** Frames between source and sink: enough to keep every stage busy without filling memory. */
export const IN_FLIGHT = 8;

/** Frames that are under way come out in this time, on the slowest machine. */
const DRAIN_MS = 20_000;
/** One that is still missing after this time waits for the next one. */
const HIDDEN_END_MS = 1000;

/** What feeds a benchmark's stream, and takes what comes out of it. */
export interface StreamLoop {
  readonly taken: { readonly frames: number; readonly bytes: number };
  source(units: readonly Uint8Array[]): ReadableStream<IncomingChunk>;
  sink(): WritableStream<Fragment>;
}

/** Feeds frames as fast as the sink takes them, so that none is dropped. */
export class ClosedLoop implements StreamLoop {
  readonly taken = { frames: 0, bytes: 0 };
  #sent = 0;
  #paused = false;
  #wake: () => void = () => {};

  /** Feeds no more frames; resolves when those that are under way have come out. Rejects if they do not. */
  async pause(): Promise<void> {
    this.#paused = true;
    const begun = performance.now();
    while (this.#sent > this.taken.frames) {
      const [left, waited] = [this.#sent - this.taken.frames, performance.now() - begun];
      // One that fills its last TS packet ends with the next frame, which comes when the loop resumes.
      if (left === 1 && waited > HIDDEN_END_MS) return;
      if (waited > DRAIN_MS) throw new Error(`${left} of ${this.#sent} frames do not come out`);
      await Bun.sleep(1);
    }
  }

  resume(): void {
    this.#paused = false;
    this.#wake();
  }

  source(units: readonly Uint8Array[]): ReadableStream<IncomingChunk> {
    const chunks = chunksOf(units);
    return new ReadableStream<IncomingChunk>(
      {
        pull: async (controller) => {
          const chunk = chunks.shift();
          if (!chunk) return controller.close();
          while (this.#paused || this.#sent - this.taken.frames >= IN_FLIGHT) {
            await new Promise<void>((resolve) => {
              this.#wake = resolve;
            });
          }
          if (!chunk.last) this.#sent++;
          controller.enqueue({ ...chunk, arrivedAt: performance.now() });
        },
      },
      { highWaterMark: 0 },
    );
  }

  sink(): WritableStream<Fragment> {
    return new WritableStream<Fragment>({
      write: ({ data }) => {
        this.taken.frames++;
        this.taken.bytes += data.length;
        this.#wake();
      },
    });
  }
}

/** Feeds frames at the clip's own rate, as a camera does: those for which there is no time are dropped. */
export class PacedLoop implements StreamLoop {
  readonly taken = { frames: 0, bytes: 0 };
  /** Frames that went in. */
  sent = 0;

  source(units: readonly Uint8Array[]): ReadableStream<IncomingChunk> {
    const chunks = chunksOf(units);
    let begun: number | null = null;
    return new ReadableStream<IncomingChunk>(
      {
        pull: async (controller) => {
          const chunk = chunks.shift();
          if (!chunk) return controller.close();
          begun ??= performance.now();
          if (!chunk.last) {
            const due = begun + (this.sent++ * 1000) / CLIP_FPS;
            await Bun.sleep(Math.max(0, due - performance.now()));
          }
          controller.enqueue({ ...chunk, arrivedAt: performance.now() });
        },
      },
      { highWaterMark: 0 },
    );
  }

  sink(): WritableStream<Fragment> {
    return new WritableStream<Fragment>({
      write: ({ data }) => {
        this.taken.frames++;
        this.taken.bytes += data.length;
      },
    });
  }
}

/** The frames, and an empty chunk at the end of each segment. */
function chunksOf(units: readonly Uint8Array[]): Omit<IncomingChunk, "arrivedAt">[] {
  return units.flatMap((data, frame) => {
    const seq = Math.floor(frame / SEGMENT_FRAMES);
    const unit = { seq, data, first: frame % SEGMENT_FRAMES === 0, last: false, complete: true };
    const ends = (frame + 1) % SEGMENT_FRAMES === 0 || frame + 1 === units.length;
    const end = { ...unit, data: new Uint8Array(0), first: false, last: true };
    return ends ? [unit, end] : [unit];
  });
}
