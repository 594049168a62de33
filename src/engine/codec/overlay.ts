/** Blends a small label into frames, at the bottom left, that tells viewers what the stream waits for. */
import type { Size } from "../protocol/work.ts";
import { allocateFrame } from "./allocate-frame.ts";
import { addFilter, addSource, newGraph, takeFrame } from "./filter-graph.ts";
import {
  AV_BUFFERSRC_FLAG_KEEP_REF,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVA420P,
  check,
  type FilterContext,
  type Frame,
} from "./libav.ts";
import { type Label, LabelCanvas } from "./overlay-label.ts";

export type { Label } from "./overlay-label.ts";

/** The colour of a card as Y, U, V: a bluish near-black. */
const CARD = [30, 131, 127] as const;

/**
 * Holds the filter graph for frames of one size, and replaces it when the size changes; nothing is allocated before
 * the first call. One call at a time. Must not be disposed while a call runs: that ends the process.
 */
export class Overlay implements Disposable {
  #compositor: Compositor | null = null;

  /** A yuv420p frame with the label on it, owned by the caller; `frame` is consumed. */
  async onFrame(frame: Frame, label: Label): Promise<Frame> {
    try {
      return await this.#for(frame).blend(frame, label);
    } finally {
      frame.free();
    }
  }

  /** A plain dark frame with the label, owned by the caller: shown where there is no picture. */
  async card(size: Size, label: Label): Promise<Frame> {
    const frame = allocateFrame(size, AV_PIX_FMT_YUV420P);
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

/** An FFmpeg overlay filter for frames of one size and the label's canvas. */
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
    this.#label = allocateFrame(this.#canvas, AV_PIX_FMT_YUVA420P);
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
    // Equal times, so that the filter waits for neither input.
    this.#label.pts = this.#count;
    frame.pts = this.#count++;
    // The filter holds the only reference, so it may write into the frame instead of copying it.
    check(this.#pictures.buffersrcAddFrameSync(frame), "give the overlay a frame");
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

function copyRows(from: Uint8Array, frame: Frame, plane: number): void {
  const to = frame.data?.[plane];
  const stride = frame.linesize[plane];
  if (!to || !stride) throw new Error(`frame has no plane ${plane}`);
  for (let row = 0; row < frame.height; row++) {
    to.set(from.subarray(row * frame.width, (row + 1) * frame.width), row * stride);
  }
}
