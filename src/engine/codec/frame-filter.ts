/** Runs a chain of FFmpeg filters that turns frames of one shape into frames of another. */
import { addFilter, addSource, type FrameShape, newGraph, takeFrame } from "./filter-graph.ts";
import {
  AV_BUFFERSRC_FLAG_KEEP_REF,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  check,
  type FilterContext,
  type FilterGraph,
  Frame,
} from "./libav.ts";

/** One filter by name, with its arguments in FFmpeg's syntax: `["scale", "512:512"]`. */
export type FilterStep = readonly [name: string, args: string];

/**
 * A configured graph for one input shape. Filters run off the main thread; one call at a time. A second one, and disposing
 * it meanwhile, would end the process: both throw.
 */
export class FrameFilter implements Disposable {
  readonly input: FrameShape;
  readonly #graph: FilterGraph;
  readonly #source: FilterContext;
  readonly #sink: FilterContext;
  #isBusy = false;

  /** Throws if FFmpeg refuses a filter or its arguments. */
  constructor(input: FrameShape, steps: readonly FilterStep[]) {
    this.input = input;
    this.#graph = newGraph();
    try {
      this.#source = addSource(this.#graph, input);
      let last = this.#source;
      for (const [name, args] of [...steps, ["buffersink", ""] as const]) {
        const next = addFilter(this.#graph, name, args);
        check(last.link(0, next, 0), `link to filter ${name}`);
        last = next;
      }
      this.#sink = last;
      check(this.#graph.configSync(), `configure ${steps.map((step) => step.join("=")).join(",")}`);
    } catch (error) {
      this.#graph.free();
      throw error;
    }
  }

  /** Filters a frame by itself: the new frame is the caller's, and `frame` stays the caller's. */
  async run(frame: Frame): Promise<Frame> {
    using _call = this.#begin();
    this.#add(frame);
    return await takeFrame(this.#sink);
  }

  /**
   * For filters that look at the neighbours of a frame: returns the frames that `frame` completes, if
   * any; null ends the input and returns the rest. They are the caller's, and `frame` stays the caller's.
   */
  async push(frame: Frame | null): Promise<Frame[]> {
    using _call = this.#begin();
    this.#add(frame);
    const filtered: Frame[] = [];
    for (;;) {
      const next = new Frame();
      next.alloc();
      const code = await this.#sink.buffersinkGetFrame(next);
      if (code >= 0) {
        filtered.push(next);
        continue;
      }
      next.free();
      if (code === AVERROR_EAGAIN || code === AVERROR_EOF) return filtered;
      for (const each of filtered) each.free();
      check(code, "take a filtered frame");
    }
  }

  /** Adding a frame takes microseconds, less than handing it to another thread. Filters run when a frame is taken out. */
  #add(frame: Frame | null): void {
    const code = this.#source.buffersrcAddFrameSync(frame, AV_BUFFERSRC_FLAG_KEEP_REF);
    check(code, "filter a frame");
  }

  #begin(): Disposable {
    this.#assertIdle();
    this.#isBusy = true;
    return {
      [Symbol.dispose]: () => {
        this.#isBusy = false;
      },
    };
  }

  #assertIdle(): void {
    if (this.#isBusy) throw new Error("a filter graph was used during a call of it");
  }

  [Symbol.dispose](): void {
    this.#assertIdle();
    this.#graph.free();
  }
}

/** The shape of a frame. */
export const shapeOf = (frame: Frame): FrameShape => ({
  width: frame.width,
  height: frame.height,
  format: frame.format,
});
