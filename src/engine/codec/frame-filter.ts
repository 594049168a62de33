/** A chain of FFmpeg filters that turns frames of one shape into frames of another. */
import {
  AV_BUFFERSRC_FLAG_KEEP_REF,
  check,
  Filter,
  type FilterContext,
  FilterGraph,
  Frame,
} from "./libav.ts";

/** What makes a graph reusable for the next frame. */
export interface FrameShape {
  readonly width: number;
  readonly height: number;
  /** AVPixelFormat. */
  readonly format: number;
}

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
    this.#graph = new FilterGraph();
    this.#graph.alloc();
    this.#graph.nbThreads = 1;
    try {
      const { width, height, format } = input;
      this.#source = this.#add(
        "buffer",
        `video_size=${width}x${height}:pix_fmt=${format}:time_base=1/90000`,
      );
      let last = this.#source;
      for (const [name, args] of [...steps, ["buffersink", ""] as const]) {
        const next = this.#add(name, args);
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
    const out = new Frame();
    out.alloc();
    try {
      check(await this.#sink.buffersinkGetFrame(out), "read a filtered frame");
      return out;
    } catch (error) {
      out.free();
      throw error;
    }
  }

  #add(name: string, args: string): FilterContext {
    const filter = Filter.getByName(name);
    const context = filter && this.#graph.createFilter(filter, name, args);
    if (!context) throw new Error(`FFmpeg cannot make the filter ${name}=${args}`);
    return context;
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
