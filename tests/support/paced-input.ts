/** Hands out an endless input in real time, as a camera would make it, and can pause it. */
import { pause } from "../../src/streams/pause.ts";
import { type InputLoop, SEGMENT_MS } from "./gateway-input.ts";

/** Media of this many milliseconds is sent together. */
const SLICE_MS = 40;

/** A part of a segment. */
export interface InputSlice {
  readonly bytes: Uint8Array;
  /** First and last slice of its segment. */
  readonly first: boolean;
  readonly last: boolean;
  /** Frames of the segment, with its last slice; else 0. */
  readonly frames: number;
}

export class PacedInput {
  readonly #loop: InputLoop;
  readonly #signal: AbortSignal;
  #resumed = Promise.withResolvers<void>();
  #pausedAt: number | null = null;
  #pausedMs = 0;

  constructor(loop: InputLoop, signal: AbortSignal) {
    this.#loop = loop;
    this.#signal = signal;
    this.#resumed.resolve();
  }

  /** Hands out nothing from the next segment on; timestamps keep advancing. */
  pause(): void {
    this.#pausedAt = performance.now();
    this.#resumed = Promise.withResolvers<void>();
  }

  resume(): void {
    if (this.#pausedAt !== null) this.#pausedMs += performance.now() - this.#pausedAt;
    this.#pausedAt = null;
    this.#resumed.resolve();
  }

  /** Throws the signal's reason. `rtmp` input comes as bursts of whole segments. */
  async *slices(): AsyncGenerator<InputSlice, never, void> {
    const signal = this.#signal;
    const begun = performance.now();
    const due = (at: number) => pause(Math.max(0, begun + at - performance.now()), signal);
    const count = this.#loop.kind === "rtmp" ? 1 : SEGMENT_MS / SLICE_MS;
    for (const { bytes, frames, at } of this.#loop.segments(() => this.#pausedMs)) {
      for (let slice = 0; slice < count; slice++) {
        await due(at + slice * SLICE_MS);
        signal.throwIfAborted();
        const from = Math.round((bytes.length * slice) / count);
        const to = Math.round((bytes.length * (slice + 1)) / count);
        const last = slice === count - 1;
        yield {
          bytes: bytes.subarray(from, to),
          first: slice === 0,
          last,
          frames: last ? frames : 0,
        };
      }
      await this.#resumed.promise;
    }
    throw new Error("an input loop never ends");
  }
}
