/** A chain of FFmpeg filters that turns frames of one shape into frames of another. */
import { addFilter, addSource, type FrameShape, newGraph, takeFrame } from "./filter-graph.ts";
import {
  AV_BUFFERSRC_FLAG_KEEP_REF,
  check,
  type FilterContext,
  type FilterGraph,
  type Frame,
} from "./libav.ts";

/** One filter by name, with its arguments in FFmpeg's syntax: `["scale", "512:512"]`. */
export type FilterStep = readonly [name: string, args: string];

/**
 * A configured graph for one input shape. Runs off the main thread; one call at a time.
 * Disposing it while a call runs ends the process.
 */
export class FrameFilter implements Disposable {
  readonly input: FrameShape;
  readonly #graph: FilterGraph;
  readonly #source: FilterContext;
  readonly #sink: FilterContext;

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

  /** A new frame, owned by the caller. `frame` stays the caller's. */
  async run(frame: Frame): Promise<Frame> {
    check(
      await this.#source.buffersrcAddFrame(frame, AV_BUFFERSRC_FLAG_KEEP_REF),
      "filter a frame",
    );
    return await takeFrame(this.#sink);
  }

  [Symbol.dispose](): void {
    this.#graph.free();
  }
}

/** The shape of a frame. */
export const shapeOf = (frame: Frame): FrameShape => ({
  width: frame.width,
  height: frame.height,
  format: frame.format,
});
