/** Owns the native memory of decoded frames. Only this folder reads their pixels. */
import type { Ticks } from "../../media/time.ts";
import { Frame } from "./libav.ts";

/** The time of a frame. A stream without input is driven by ticks alone. */
export interface Tick {
  readonly pts: Ticks;
  /** `performance.now()` at its last input byte, or when the tick was due: latency is measured from here. */
  readonly arrivedAt: number;
}

/**
 * One native frame. Its receiver owns it and disposes it once. After that `native` must not be touched:
 * reading freed pixels crashes the process.
 */
export class VideoFrame implements Tick, Disposable {
  readonly native: Frame;
  readonly pts: Ticks;
  readonly arrivedAt: number;
  /** `performance.now()` when it was decoded or drawn. */
  readonly madeAt = performance.now();
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

/** One is filled while another is tried for a frame that does not come. */
const SPARES = 2;

/**
 * Tracks the frames of one stream that are not freed yet. An aborted pipe throws away what its queues hold without
 * disposing it, so the pool disposes it once the stream has ended and no native call runs. Native frames that are done with
 * are given to the decoder again, with what is in them: Bun's garbage collector never subtracts the memory that freed ones
 * have reported.
 */
export class FramePool implements Disposable {
  readonly #live = new Set<VideoFrame>();
  readonly #spares: Frame[] = [];

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
    if (this.#live.delete(frame)) this.giveBack(frame.native);
  }

  /** A native frame to be filled, which may hold an old picture. The caller adopts it, or gives it back. */
  take(): Frame {
    return this.#spares.pop() ?? emptyFrame();
  }

  /** Takes back a native frame that nobody uses any more. */
  giveBack(native: Frame): void {
    if (this.#spares.length < SPARES) this.#spares.push(native);
    else native.free();
  }

  [Symbol.dispose](): void {
    for (const frame of this.#live) this.release(frame);
    for (const native of this.#spares.splice(0)) native.free();
  }
}

function emptyFrame(): Frame {
  const frame = new Frame();
  frame.alloc();
  return frame;
}
