/** Converts between decoded frames and the planar RGB of models, through FFmpeg's filters. */
import { type Picture, pictureBytes } from "../../media/picture.ts";
import { Turns } from "../../streams/turns.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { Fit, Size } from "../protocol/work.ts";
import { type FrameShape, sameShape } from "./filter-graph.ts";
import { type FilterStep, FrameFilter, shapeOf } from "./frame-filter.ts";
import type { Frame } from "./libav.ts";
import { PictureMemory } from "./picture-memory.ts";
import { PlanarFrame, rgbPlanes } from "./planar-frame.ts";
import { copyPlane } from "./plane-copy.ts";

/** Deadline of a conversion: the largest frame takes a tenth of a second. */
const CONVERT_MS = 10_000;

/**
 * Keeps one filter graph for each direction and rebuilds it when a shape changes, which costs some
 * milliseconds. Calls run one after the other, and none may be under way when it is disposed.
 */
export class PictureConverter implements Disposable {
  readonly #graphs = new Map<string, { filter: FrameFilter; steps: string }>();
  readonly #calls: NativeCalls;
  readonly #memory: PictureMemory;
  readonly #planar = new PlanarFrame();
  readonly #turns = new Turns();

  /** @param memory where pictures come from; by default each gets memory of its own */
  constructor(calls: NativeCalls, memory = new PictureMemory()) {
    this.#calls = calls;
    this.#memory = memory;
  }

  /**
   * Converts a frame to planar RGB of exactly `target`, fitted to the aspect of `size`. The frame stays the caller's.
   *
   * @param use names what the picture is for: each use keeps a filter graph of its own
   */
  async toPicture(
    frame: Frame,
    size: Size,
    fit: Fit,
    { target = size, use = "model" }: { target?: Size; use?: string } = {},
  ): Promise<Picture> {
    const fitted = fitSteps(shapeOf(frame), size, fit, target);
    const steps: FilterStep[] = [...fitted, ["format", "pix_fmts=gbrp"]];
    return await this.#turns.run(async () => {
      const planar = await this.#run(`to picture: ${use}`, frame, steps);
      try {
        return await this.#read(planar, target);
      } finally {
        planar.free();
      }
    });
  }

  /** Converts a picture to a yuv420p frame of `size`, which the caller owns. */
  async toFrame(picture: Picture, size: Size, fit: Fit): Promise<Frame> {
    const convert: FilterStep[] = [
      ["zscale", "matrix=170m:range=limited"],
      ["format", "pix_fmts=yuv420p"],
    ];
    return await this.#fromPicture("to frame", picture, [
      ...fitSteps(picture, size, fit),
      ...convert,
    ]);
  }

  /** Converts a picture to an rgb24 frame of `size`, which the caller owns. Lossless if the size is the same. */
  async toRgb(picture: Picture, size: Size, fit: Fit): Promise<Frame> {
    const steps: FilterStep[] = [...fitSteps(picture, size, fit), ["format", "pix_fmts=rgb24"]];
    return await this.#fromPicture("to rgb", picture, steps);
  }

  /** Fits a frame to `size` as yuv420p with the matrix and range of `toFrame`. The caller owns the result. */
  async resize(frame: Frame, size: Size, fit: Fit): Promise<Frame> {
    const steps: FilterStep[] = [
      ...fitSteps(frame, size, fit),
      ["scale", "out_color_matrix=smpte170m:out_range=limited"],
      ["format", "pix_fmts=yuv420p"],
    ];
    return await this.#turns.run(() => this.#run("resize", frame, steps));
  }

  async #fromPicture(
    purpose: string,
    picture: Picture,
    steps: readonly FilterStep[],
  ): Promise<Frame> {
    return await this.#turns.run(async () =>
      this.#run(purpose, await this.#planar.write(picture), steps),
    );
  }

  async #read(frame: Frame, { width, height }: Size): Promise<Picture> {
    const data = this.#memory.take(pictureBytes(width, height));
    for (const [position, plane] of rgbPlanes(frame).entries()) {
      const bytes = data.subarray(position * width * height);
      await copyPlane(plane, { bytes, stride: width }, { width, height });
    }
    return { data, width, height };
  }

  async #run(purpose: string, frame: Frame, steps: readonly FilterStep[]): Promise<Frame> {
    using _call = this.#calls.begin("convert", CONVERT_MS);
    const filter = this.#filter(purpose, shapeOf(frame), steps);
    return await filter.run(frame);
  }

  #filter(purpose: string, input: FrameShape, steps: readonly FilterStep[]): FrameFilter {
    const key = steps.join();
    const known = this.#graphs.get(purpose);
    if (known && known.steps === key && sameShape(known.filter.input, input)) return known.filter;
    known?.filter[Symbol.dispose]();
    this.#graphs.delete(purpose);
    const filter = new FrameFilter(input, steps);
    this.#graphs.set(purpose, { filter, steps: key });
    return filter;
  }

  [Symbol.dispose](): void {
    for (const { filter } of this.#graphs.values()) filter[Symbol.dispose]();
    this.#graphs.clear();
    this.#planar[Symbol.dispose]();
  }
}

/**
 * The filters that crop, pad and scale from one size to another; none if the sizes are equal. With
 * `target` the picture is fitted to the aspect of `to` and then squeezed to `target`, for a model of a fixed
 * size whose output has another shape.
 */
function fitSteps(from: Size, to: Size, fit: Fit, target: Size = to): FilterStep[] {
  const scale: FilterStep = ["scale", `${target.width}:${target.height}:flags=bilinear`];
  const wider = from.width * to.height > from.height * to.width;
  const sameAspect = from.width * to.height === from.height * to.width;
  if (sameAspect || fit === "stretch") return sameSize(from, target) ? [] : [scale];
  if (fit === "cover") {
    const width = wider ? even((from.height * to.width) / to.height) : from.width;
    const height = wider ? from.height : even((from.width * to.height) / to.width);
    return [["crop", `${width}:${height}`], scale];
  }
  const share = (from.width * to.height) / (from.height * to.width);
  const width = wider ? target.width : even(target.width * share);
  const height = wider ? even(target.height / share) : target.height;
  return [
    ["scale", `${width}:${height}:flags=bilinear`],
    ["pad", `${target.width}:${target.height}:-1:-1`],
  ];
}

const sameSize = (a: Size, b: Size): boolean => a.width === b.width && a.height === b.height;

const even = (value: number): number => Math.max(2, Math.round(value / 2) * 2);
