/** Builds graphs of FFmpeg filters: adds filters by name, and takes frames from the end. */
import { check, Filter, type FilterContext, FilterGraph, Frame } from "./libav.ts";

/** What frames must have in common to go through one graph. */
export interface FrameShape {
  readonly width: number;
  readonly height: number;
  /** AVPixelFormat. */
  readonly format: number;
}

export const sameShape = (a: FrameShape, b: FrameShape): boolean =>
  a.width === b.width && a.height === b.height && a.format === b.format;

/** An empty graph of one thread; the caller frees it. */
export function newGraph(): FilterGraph {
  const graph = new FilterGraph();
  graph.alloc();
  graph.nbThreads = 1;
  return graph;
}

/** Adds a filter by name, with its arguments in FFmpeg's syntax. Throws if FFmpeg refuses it. */
export function addFilter(graph: FilterGraph, name: string, args: string): FilterContext {
  const filter = Filter.getByName(name);
  const context = filter && graph.createFilter(filter, name, args);
  if (!context) throw new Error(`FFmpeg cannot make the filter ${name}=${args}`);
  return context;
}

/** Adds a source of frames of this shape, stamped in 90 kHz. */
export const addSource = (graph: FilterGraph, { width, height, format }: FrameShape) =>
  addFilter(graph, "buffer", `video_size=${width}x${height}:pix_fmt=${format}:time_base=1/90000`);

/** Takes the next frame out of a graph; it is the caller's. Throws if there is none. */
export async function takeFrame(sink: FilterContext): Promise<Frame> {
  const frame = new Frame();
  frame.alloc();
  try {
    check(await sink.buffersinkGetFrame(frame), "take a filtered frame");
    return frame;
  } catch (error) {
    frame.free();
    throw error;
  }
}
