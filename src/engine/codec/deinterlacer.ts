/** Makes progressive frames of interlaced ones, as many as there were. */
import { type FrameShape, sameShape } from "./filter-graph.ts";
import { FrameFilter, shapeOf } from "./frame-filter.ts";
import { AV_FRAME_FLAG_INTERLACED, type Frame } from "./libav.ts";
import type { FramePool, Tick, VideoFrame } from "./video-frame.ts";

/** Progressive frames in a row after which a stream counts as progressive again: two seconds at 25 a second. */
const MAX_PROGRESSIVE = 50;

/**
 * Progressive streams pass at no cost. From the first interlaced frame on, frames come out one later,
 * since FFmpeg's `bwdif` looks at the frame that follows; progressive ones among them are not filtered.
 */
export class Deinterlacer implements Disposable {
  readonly #pool: FramePool;
  #filter: FrameFilter | null = null;
  #progressive = 0;
  /** Of the frames inside the filter: it gives back as many as it took, in their order. */
  #times: Tick[] = [];

  constructor(pool: FramePool) {
    this.#pool = pool;
  }

  /** Whether the frame is progressive, and none waits for it: `push` would only give it back. */
  passes(frame: Frame): boolean {
    return !this.#filter && !frame.hasFlags(AV_FRAME_FLAG_INTERLACED);
  }

  /** Takes a frame; returns the frames that it completes, in order. All of them are the caller's. */
  async push(frame: VideoFrame): Promise<VideoFrame[]> {
    if (this.passes(frame.native)) return [frame];
    const isInterlaced = frame.native.hasFlags(AV_FRAME_FLAG_INTERLACED);
    this.#progressive = isInterlaced ? 0 : this.#progressive + 1;
    const shape = shapeOf(frame.native);
    const before =
      this.#progressive > MAX_PROGRESSIVE || !this.#takes(shape) ? await this.flush() : [];
    if (this.#progressive > MAX_PROGRESSIVE) return [...before, frame];
    this.#filter ??= new FrameFilter(shape, [
      ["bwdif", "mode=send_frame:parity=auto:deint=interlaced"],
    ]);
    const { pts, arrivedAt } = frame;
    this.#times.push({ pts, arrivedAt });
    using input = frame;
    return [...before, ...this.#adopt(await this.#filter.push(input.native))];
  }

  /** Returns the frames that wait for another one, and starts anew. */
  async flush(): Promise<VideoFrame[]> {
    const rest = this.#filter ? this.#adopt(await this.#filter.push(null)) : [];
    this[Symbol.dispose]();
    return rest;
  }

  #takes(shape: FrameShape): boolean {
    return !this.#filter || sameShape(this.#filter.input, shape);
  }

  #adopt(filtered: Awaited<ReturnType<FrameFilter["push"]>>): VideoFrame[] {
    return filtered.flatMap((native) => {
      const time = this.#times.shift();
      if (time) return [this.#pool.adopt(native, time)];
      native.free();
      return [];
    });
  }

  [Symbol.dispose](): void {
    this.#filter?.[Symbol.dispose]();
    this.#filter = null;
    this.#times = [];
  }
}
