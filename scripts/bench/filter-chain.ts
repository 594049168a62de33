/** Runs a chain of FFmpeg filters by direct calls, as a reference for `src/engine/codec/frame-filter.ts`. */
import {
  AV_BUFFERSRC_FLAG_KEEP_REF,
  check,
  Filter,
  type FilterContext,
  FilterGraph,
  Frame,
} from "../../src/engine/codec/libav.ts";

/** Name and arguments in FFmpeg's syntax. */
export type Steps = readonly (readonly [name: string, args: string])[];

/** The first filter is the source; a sink is added after the last. */
export class FilterChain implements Disposable {
  readonly #graph = new FilterGraph();
  readonly #source: FilterContext;
  readonly #sink: FilterContext;

  constructor(steps: Steps) {
    this.#graph.alloc();
    this.#graph.nbThreads = 1;
    const [source, ...rest] = [...steps, ["buffersink", ""] as const].map(([name, args]) =>
      this.#add(name, args),
    );
    if (!source) throw new Error("a chain needs a filter");
    this.#source = source;
    this.#sink = rest.reduce((from, to) => {
      check(from.link(0, to, 0), "link filters");
      return to;
    }, source);
    check(this.#graph.configSync(), "configure filters");
  }

  /** Returns a new frame, which the caller owns. */
  async run(frame: Frame): Promise<Frame> {
    check(this.#source.buffersrcAddFrameSync(frame, AV_BUFFERSRC_FLAG_KEEP_REF), "filter");
    const out = new Frame();
    out.alloc();
    check(await this.#sink.buffersinkGetFrame(out), "filter");
    return out;
  }

  /** Gets the next frame of a source that generates frames; false at its end. */
  pull(into: Frame): boolean {
    return this.#sink.buffersinkGetFrameSync(into) >= 0;
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
