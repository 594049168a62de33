/** Says on the picture what a stream waits for: a small label at the bottom left, blended in by FFmpeg. */
import type { Size } from "../protocol/work.ts";
import { addFilter, addSource, newGraph, takeFrame } from "./filter-graph.ts";
import {
  AV_BUFFERSRC_FLAG_KEEP_REF,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVA420P,
  check,
  type FilterContext,
  Frame,
} from "./libav.ts";
import { type Label, LabelCanvas } from "./overlay-label.ts";

export type { Label } from "./overlay-label.ts";

/** A card's colour: nearly black, a little blue. Y, U, V. */
const CARD = [30, 131, 127] as const;

/**
 * Keeps what it needs for one size and remakes it for another; makes nothing until it is used. One call
 * at a time; disposing it while a call runs ends the process.
 */
export class Overlay implements Disposable {
  #compositor: Compositor | null = null;

  /** The yuv420p frame, which is consumed, with the label on it. The result is the caller's. */
  async onFrame(frame: Frame, label: Label): Promise<Frame> {
    try {
      return await this.#for(frame).blend(frame, label);
    } finally {
      frame.free();
    }
  }

  /** A plain dark frame with the label, for where there is no picture; the caller's. */
  async card(size: Size, label: Label): Promise<Frame> {
    const frame = allocate(size, AV_PIX_FMT_YUV420P);
    for (const [plane, value] of CARD.entries()) frame.data?.[plane]?.fill(value);
    return await this.onFrame(frame, label);
  }

  #for({ width, height }: Size): Compositor {
    const known = this.#compositor;
    if (known?.size.width === width && known.size.height === height) return known;
    this[Symbol.dispose]();
    this.#compositor = new Compositor({ width, height });
    return this.#compositor;
  }

  [Symbol.dispose](): void {
    this.#compositor?.[Symbol.dispose]();
    this.#compositor = null;
  }
}

/** FFmpeg's overlay filter between frames of one size and the label's canvas. */
class Compositor implements Disposable {
  readonly size: Size;
  readonly #canvas: LabelCanvas;
  readonly #label: Frame;
  readonly #graph = newGraph();
  readonly #pictures: FilterContext;
  readonly #labels: FilterContext;
  readonly #sink: FilterContext;
  #count = 0n;

  constructor(size: Size) {
    this.size = size;
    this.#canvas = new LabelCanvas(size);
    const { x, y } = this.#canvas;
    this.#label = allocate(this.#canvas, AV_PIX_FMT_YUVA420P);
    for (const plane of [1, 2]) this.#label.data?.[plane]?.fill(128);
    try {
      const { width, height } = this.#canvas;
      this.#pictures = addSource(this.#graph, { ...size, format: AV_PIX_FMT_YUV420P });
      this.#labels = addSource(this.#graph, { width, height, format: AV_PIX_FMT_YUVA420P });
      const overlay = addFilter(this.#graph, "overlay", `x=${x}:y=${y}:eval=init:format=yuv420`);
      this.#sink = addFilter(this.#graph, "buffersink", "");
      check(this.#pictures.link(0, overlay, 0), "link pictures to the overlay");
      check(this.#labels.link(0, overlay, 1), "link labels to the overlay");
      check(overlay.link(0, this.#sink, 0), "link the overlay to its sink");
      check(this.#graph.configSync(), "configure the overlay");
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  async blend(frame: Frame, label: Label): Promise<Frame> {
    this.#canvas.paint(label);
    copyRows(this.#canvas.luma, this.#label, 0);
    copyRows(this.#canvas.alpha, this.#label, 3);
    // Both at one time, so that the filter waits for neither.
    this.#label.pts = this.#count;
    frame.pts = this.#count++;
    // Without a reference of ours the filter may write into the frame instead of copying it.
    check(await this.#pictures.buffersrcAddFrame(frame), "give the overlay a frame");
    check(
      this.#labels.buffersrcAddFrameSync(this.#label, AV_BUFFERSRC_FLAG_KEEP_REF),
      "give the overlay its label",
    );
    return await takeFrame(this.#sink);
  }

  [Symbol.dispose](): void {
    this.#graph.free();
    this.#label.free();
  }
}

function allocate(
  { width, height }: Size,
  format: typeof AV_PIX_FMT_YUV420P | typeof AV_PIX_FMT_YUVA420P,
): Frame {
  const frame = new Frame();
  frame.alloc();
  frame.width = width;
  frame.height = height;
  frame.format = format;
  check(frame.getBuffer(), `allocate a ${width}x${height} frame`);
  return frame;
}

function copyRows(from: Uint8Array, frame: Frame, plane: number): void {
  const to = frame.data?.[plane];
  const stride = frame.linesize[plane];
  if (!to || !stride) throw new Error(`frame has no plane ${plane}`);
  for (let row = 0; row < frame.height; row++) {
    to.set(from.subarray(row * frame.width, (row + 1) * frame.width), row * stride);
  }
}
