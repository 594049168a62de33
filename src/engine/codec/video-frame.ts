/** Decoded pictures: native memory with an owner. Nothing outside this folder reads their pixels. */
import type { Ticks } from "../../media/time.ts";
import type { Frame } from "./libav.ts";

/** A time at which a picture is due: what a clock makes where there is no video. */
export interface Tick {
  readonly pts: Ticks;
  /** `performance.now()` at which it became due: where latency is measured from. */
  readonly arrivedAt: number;
}

/**
 * One native frame. Whoever receives it disposes it, once; `native` must not be touched after that
 * (reading freed pixels ends the process, facts.md 4).
 */
export class VideoFrame implements Tick, Disposable {
  readonly native: Frame;
  readonly pts: Ticks;
  readonly arrivedAt: number;
  readonly width: number;
  readonly height: number;
  readonly #pool: FramePool;

  constructor(pool: FramePool, native: Frame, time: Tick) {
    this.#pool = pool;
    this.native = native;
    this.pts = time.pts;
    this.arrivedAt = time.arrivedAt;
    this.width = native.width;
    this.height = native.height;
  }

  [Symbol.dispose](): void {
    this.#pool.release(this);
  }
}

/**
 * Knows every frame of one stream that is not freed yet. Queues of an aborted pipe do not dispose what
 * they hold (style.md T3), so the pool does when the stream is over and no native call runs any more.
 */
export class FramePool implements Disposable {
  readonly #live = new Set<VideoFrame>();

  /** Frames not yet disposed. */
  get live(): number {
    return this.#live.size;
  }

  /** Takes ownership of a native frame. */
  adopt(native: Frame, time: Tick): VideoFrame {
    const frame = new VideoFrame(this, native, time);
    this.#live.add(frame);
    return frame;
  }

  release(frame: VideoFrame): void {
    if (this.#live.delete(frame)) frame.native.free();
  }

  [Symbol.dispose](): void {
    for (const frame of this.#live) this.release(frame);
  }
}
